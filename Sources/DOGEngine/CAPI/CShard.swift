import CDOG

/// The callbacks of a Shard class in C.
///
/// `@unchecked Sendable`: never changed; `user` is passed on and never dereferenced.
struct ShardFunctions: @unchecked Sendable {
  let user: UnsafeMutableRawPointer?
  let onstart: dog_start_fn?
  let receive: dog_receive_fn
  let onopen: dog_open_fn?
  let onmessage: dog_message_fn?
  let onclose: dog_close_fn?
  let onerror: dog_error_fn?
  let ondrain: dog_drain_fn?
  let ongossip: dog_gossip_fn?
  let onstop: dog_stop_fn?

  /// Nil: a required one is missing.
  init?(_ host: dog_shard_class_t) {
    guard let receive = host.receive else { return nil }
    user = host.user
    onstart = host.onstart
    self.receive = receive
    onopen = host.onopen
    onmessage = host.onmessage
    onclose = host.onclose
    onerror = host.onerror
    ondrain = host.ondrain
    ongossip = host.ongossip
    onstop = host.onstop
  }
}

/// A Shard whose host is in C.
final class CShard: Shard {
  private let functions: ShardFunctions
  private let shard: dog_shard_t

  init(_ functions: ShardFunctions, _ shard: ShardHandle) {
    self.functions = functions
    self.shard = shard.rawValue
  }

  func onstart() throws { try functions.onstart?(functions.user, shard).check() }

  func receive(_ request: RequestHandle) throws {
    try functions.receive(functions.user, shard, request.rawValue).check()
  }

  func onopen(_ socket: SocketHandle) throws {
    try functions.onopen?(functions.user, shard, socket.rawValue).check()
  }

  func onmessage(_ socket: SocketHandle, _ message: Message) throws {
    guard let onmessage = functions.onmessage else { return }
    let bytes = message.bytes
    try onmessage(functions.user, shard, socket.rawValue, message.kind.c, bytes.start, bytes.count).check()
  }

  func onclose(_ socket: SocketHandle, _ close: Close) {
    guard let onclose = functions.onclose else { return }
    close.reason.withBytes {
      onclose(functions.user, shard, socket.rawValue, close.code, $0.text, $0.count, close.isClean ? 1 : 0)
    }
  }

  func onerror(_ socket: SocketHandle, _ error: Status) {
    functions.onerror?(functions.user, shard, socket.rawValue, dog_status_t(rawValue: error.rawValue))
  }

  func ondrain(_ socket: SocketHandle, dropped: Int) {
    functions.ondrain?(functions.user, shard, socket.rawValue, UInt64(clamping: dropped))
  }

  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws {
    guard let ongossip = functions.ongossip else { throw Status.noHandler }
    try ongossip(functions.user, shard, gossip.rawValue, question.start, question.count).check()
  }

  func onstop() { functions.onstop?(functions.user, shard) }
}
