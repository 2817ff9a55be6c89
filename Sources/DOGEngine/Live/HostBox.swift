/// Where a Gateway's or a Shard's host is: a constant of an object, which is called without a count of its reference.
final class HostBox<Host> {
  let host: Host

  init(_ host: Host) { self.host = host }
}
