// How a host that takes events hears the outcomes of its calls: each function makes a callback for the engine that
// writes an event. The engine calls it on the worker of the object.

enum Outcomes {
  static func whispered(by handle: Handle, _ user: HostPointer) -> @Sendable (Status, Int) -> Void {
    { status, count in
      var record = EventRecord(.whispered)
      record.status = status
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

  static func call(of shard: Handle, _ user: HostPointer) -> @Sendable (Status) -> Void {
    { status in
      var record = EventRecord(.call)
      record.user = user.pointer
      record.shard = shard
      record.status = status
      Worker.current?.tell(record)
    }
  }

  static func gossiped(to shard: Handle, _ user: HostPointer) -> @Sendable (Status, [GossipResult]) -> Void {
    { status, results in
      var record = EventRecord(.gossiped)
      record.status = status
      record.user = user.pointer
      record.shard = shard
      record.number = UInt64(clamping: results.count)
      record.kept = results.reduce(0) { $0 + $1.data.count }
      Worker.current?.tell(record, [], GossipResults(results))
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

/// The siblings' answers on their way to the host.
final class GossipResults: Sendable {
  let all: [GossipResult]

  init(_ all: [GossipResult]) { self.all = all }
}
