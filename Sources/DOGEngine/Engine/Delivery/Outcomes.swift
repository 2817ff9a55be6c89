// What a host that takes events hears of its own calls: the callbacks that the engine's functions take, made of events.
// Each is called on the worker of the object that it is about.

enum Outcomes {
  static func whispered(by handle: Handle, _ user: HostPointer) -> @Sendable (Int) -> Void {
    { count in
      var record = EventRecord(.whispered)
      record.user = user.pointer
      switch handle.kind {
      case .socket: record.socket = handle
      case .shard: record.shard = handle
      default: record.gateway = handle
      }
      record.number = UInt64(clamping: count)
      Worker.current?.tell(record)
    }
  }

  static func gossiped(to shard: Handle, _ user: HostPointer) -> @Sendable ([GossipResult]) -> Void {
    { results in
      var record = EventRecord(.gossiped)
      record.user = user.pointer
      record.shard = shard
      record.number = UInt64(clamping: results.count)
      record.object = GossipResults(results)
      record.kept = results.reduce(0) { $0 + $1.data.count }
      Worker.current?.tell(record)
    }
  }

  static func ofStream(_ user: HostPointer) -> ResponseStream.Listener {
    ResponseStream.Listener(
      onwritable: { request in
        var record = EventRecord(.writable)
        record.user = user.pointer
        record.question = request.handle
        Worker.current?.tell(record)
      },
      onend: { request, status in
        var record = EventRecord(.ended)
        record.user = user.pointer
        record.question = request.handle
        record.status = status
        Worker.current?.tell(record)
      })
  }
}

/// What siblings answered, on its way to the host.
final class GossipResults: Sendable {
  let all: [GossipResult]

  init(_ all: [GossipResult]) { self.all = all }
}
