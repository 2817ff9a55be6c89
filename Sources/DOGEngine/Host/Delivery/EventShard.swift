/// A Shard whose host takes events. All of it on its worker.
final class EventShard: Shard {
  private let user: HostPointer
  private let shard: Handle
  private let gateway: Handle
  private let id: Name
  private let worker: Worker
  private let takesGossip: Bool

  init(_ user: HostPointer, _ shard: ShardHandle, takesGossip: Bool) {
    guard let worker = Worker.current, let core = worker.tables.shards.find(shard.handle) else {
      preconditionFailure("a Shard is made off its worker")
    }
    self.user = user
    self.shard = shard.handle
    self.worker = worker
    self.takesGossip = takesGossip
    gateway = core.gateway.handle
    id = core.id
  }

  func onstart() {
    var record = record(.start)
    record.gateway = gateway
    worker.tell(record, id.bytes)
  }

  private func record(_ kind: EventRecord.Kind, _ socket: SocketHandle? = nil) -> EventRecord {
    var record = EventRecord(kind)
    record.user = user.pointer
    record.shard = shard
    if let socket { record.socket = socket.handle }
    return record
  }

  func receive(_ request: RequestHandle) {
    var record = record(.receive)
    record.gateway = gateway
    worker.tellQuestion(record, request, request.uid?.bytes ?? [])
  }

  func onopen(_ socket: SocketHandle) {
    guard let opened = worker.tables.sockets.find(socket.handle) else { return }
    var record = record(.open, socket)
    record.number = UInt64(UInt(bitPattern: opened.data))
    worker.tell(record, opened.uid.bytes)
  }

  func onmessage(_ socket: SocketHandle, _ message: Message) {
    var record = record(.message, socket)
    record.code = UInt32(message.kind.rawValue)
    worker.tell(record, message.bytes)
  }

  func onclose(_ socket: SocketHandle, _ close: Close) {
    var record = record(.close, socket)
    record.code = UInt32(close.code)
    record.isClean = close.isClean
    worker.tell(record, [UInt8](close.reason.utf8))
  }

  func onerror(_ socket: SocketHandle, _ error: Status) {
    var record = record(.error, socket)
    record.status = error
    worker.tell(record)
  }

  func ondrain(_ socket: SocketHandle, dropped: Int) {
    var record = record(.drain, socket)
    record.number = UInt64(clamping: dropped)
    worker.tell(record)
  }

  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws {
    guard takesGossip else { throw Status.noHandler }
    var record = record(.gossip)
    record.question = gossip.handle
    worker.tell(record, question)
  }

  func onstop() { worker.tell(record(.stop)) }
}
