/// What a question to the host is about.
final class AskedRequest: Sendable {
  let request: HTTPRequest
  let uid: Name?

  init(_ ticket: Ticket) {
    request = ticket.exchange.request
    uid = ticket.uid
  }
}

/// What the getters of a host that takes events see: requests, sockets, Shards and Gateways as of the last event that
/// was given out. The objects themselves live on their workers and may be gone already.
///
/// Any thread. It is written as events are given out, so a socket is here from its open to the poll after its close.
final class HostView: Sendable {
  struct SocketView {
    let uid: Name
    let shard: Handle
    /// The host's pointer (dog_socket_set_data).
    var data: UnsafeMutableRawPointer?
    /// Its index among the Shard's sockets.
    fileprivate var place: Int
  }

  struct ShardView {
    let id: Name
    let gateway: Handle
    /// The host's pointer (dog_shard_set_data).
    var data: UnsafeMutableRawPointer?
    fileprivate(set) var sockets: [Handle] = []
  }

  fileprivate struct Content {
    var requests: [Handle: AskedRequest] = [:]
    var sockets: [Handle: SocketView] = [:]
    var shards: [Handle: ShardView] = [:]
    var gatewayNames: [Handle: Name] = [:]
    /// What has had its last event: gone with the next poll.
    var leaving: [Handle] = []
    var lender = Lender()
  }

  private let content = Lock(Content())

  deinit { letGo() }

  // MARK: Looking

  func request(_ handle: Handle) -> AskedRequest? { content.withLock { $0.requests[handle] } }
  func socket(_ handle: Handle) -> SocketView? { content.withLock { $0.sockets[handle] } }
  func shard(_ handle: Handle) -> ShardView? { content.withLock { $0.shards[handle] } }
  func gatewayName(_ handle: Handle) -> Name? { content.withLock { $0.gatewayNames[handle] } }

  /// False: there is no such socket.
  func setData(_ data: UnsafeMutableRawPointer?, ofSocket handle: Handle) -> Bool {
    let data = HostPointer(data)
    return content.withLock { $0.sockets[handle]?.data = data.pointer } != nil
  }

  func setData(_ data: UnsafeMutableRawPointer?, ofShard handle: Handle) -> Bool {
    let data = HostPointer(data)
    return content.withLock { $0.shards[handle]?.data = data.pointer } != nil
  }

  /// What is lent is the host's until it polls again.
  func withLender<Result>(_ body: (inout Lender) -> Result) -> Result { content.withLock { body(&$0.lender) } }

  // MARK: As events are given out

  /// The host has polled again: what it was given before is the engine's.
  func letGo() {
    content.withLock { content in
      content.lender.letGo()
      for handle in content.leaving { content.remove(handle) }
      content.leaving.removeAll(keepingCapacity: content.leaving.count <= 1024)
    }
  }

  func note(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer) {
    switch record.kind {
    case .message, .error, .drain, .gossip, .gossiped, .whispered, .writable, .ended, .log, .stopped: return
    default: content.withLock { $0.note(record, bytes) }
    }
  }
}

extension HostView.Content {
  fileprivate mutating func note(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer) {
    switch record.kind {
    case .fetch, .identify, .clusterize, .receive:
      requests[record.question] = record.object as? AskedRequest
      if record.kind == .identify, gatewayNames[record.gateway] == nil { gatewayNames[record.gateway] = Name(bytes) }
    case .retire: leaving.append(record.gateway)
    case .forget: leaving.append(record.question)
    case .start:
      guard let id = Name(bytes) else { return }
      shards[record.shard] = HostView.ShardView(id: id, gateway: record.gateway)
    case .open:
      guard let uid = Name(bytes) else { return }
      sockets[record.socket] = HostView.SocketView(
        uid: uid, shard: record.shard, data: UnsafeMutableRawPointer(bitPattern: UInt(record.number)),
        place: shards[record.shard]?.sockets.count ?? 0)
      shards[record.shard]?.sockets.append(record.socket)
    case .close:
      leaving.append(record.socket)
      leaveShard(record.socket)
    case .stop: leaving.append(record.shard)
    default: break
    }
  }

  /// A closed socket is no member of its Shard any more.
  private mutating func leaveShard(_ handle: Handle) {
    guard let socket = sockets[handle], let last = shards[socket.shard]?.sockets.popLast() else { return }
    guard last != handle else { return }
    shards[socket.shard]?.sockets[socket.place] = last
    sockets[last]?.place = socket.place
  }

  fileprivate mutating func remove(_ handle: Handle) {
    switch handle.kind {
    case .socket: sockets[handle] = nil
    case .shard: shards[handle] = nil
    case .gateway: gatewayNames[handle] = nil
    default: requests[handle] = nil
    }
  }
}
