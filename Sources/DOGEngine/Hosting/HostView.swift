/// What a question to the host is about.
final class AskedRequest: Sendable {
  let request: HTTPRequest
  let uid: Name?

  init(_ request: HTTPRequest, uid: Name?) {
    self.request = request
    self.uid = uid
  }
}

/// What the getters of a host that takes events see: requests, sockets, Shards and Gateways as of the last event that
/// was given out. The objects themselves live on their workers and may be gone already.
///
/// Any thread. It is written as events are given out. So a socket is here from its open event to the poll after its
/// close event.
final class HostView: Sendable {
  struct SocketView {
    let uid: Name
    let shard: Handle
    /// The host's pointer (dog_socket_set_data).
    var data: UnsafeMutableRawPointer?
    /// Its index among the Shard's sockets.
    fileprivate var index: Int
  }

  struct ShardView {
    let id: Name
    let gateway: Handle
    /// The host's pointer (dog_shard_set_data).
    var data: UnsafeMutableRawPointer?
    fileprivate(set) var sockets: [Handle] = []
  }

  struct GatewayView {
    let name: Name
    /// The host's pointer (dog_gateway_set_data).
    var data: UnsafeMutableRawPointer?
  }

  fileprivate struct Content {
    var requests: [Handle: AskedRequest] = [:]
    var sockets: [Handle: SocketView] = [:]
    var shards: [Handle: ShardView] = [:]
    var gateways: [Handle: GatewayView] = [:]
    /// Objects that have had their last event: removed at the next poll.
    var leaving: [Handle] = []
    var lender = Lender()
  }

  private let content = Lock(Content())

  deinit { letGo() }

  // MARK: Looking

  func request(_ handle: Handle) -> AskedRequest? { content.withLock { $0.requests[handle] } }
  func socket(_ handle: Handle) -> SocketView? { content.withLock { $0.sockets[handle] } }
  func shard(_ handle: Handle) -> ShardView? { content.withLock { $0.shards[handle] } }
  func gateway(_ handle: Handle) -> GatewayView? { content.withLock { $0.gateways[handle] } }

  /// False: there is no such socket.
  func setData(_ data: UnsafeMutableRawPointer?, ofSocket handle: Handle) -> Bool {
    let data = HostPointer(data)
    return content.withLock { $0.sockets[handle]?.data = data.pointer } != nil
  }

  func setData(_ data: UnsafeMutableRawPointer?, ofShard handle: Handle) -> Bool {
    let data = HostPointer(data)
    return content.withLock { $0.shards[handle]?.data = data.pointer } != nil
  }

  func setData(_ data: UnsafeMutableRawPointer?, ofGateway handle: Handle) -> Bool {
    let data = HostPointer(data)
    return content.withLock { $0.gateways[handle]?.data = data.pointer } != nil
  }

  /// Memory that is lent is good until the host polls again.
  func withLender<Result>(_ body: (inout Lender) -> Result) -> Result { content.withLock { body(&$0.lender) } }

  // MARK: As events are given out

  /// The host has polled again: what it was given before is freed.
  func letGo() {
    content.withLock { content in
      content.lender.letGo()
      for handle in content.leaving { content.remove(handle) }
      content.leaving.removeAll(keepingCapacity: content.leaving.count <= 1024)
    }
  }

  func note(_ record: EventRecord, _ batch: EventBatch) {
    switch record.kind {
    case .message, .error, .drain, .gossip, .gossiped, .whispered, .writable, .ended, .log, .stopped, .call: return
    case .fetch, .identify, .clusterize, .receive, .start, .stop, .open, .close, .retire, .forget:
      content.withLock { $0.note(record, batch.bytes(of: record), batch.object(of: record)) }
    }
  }
}

extension HostView.Content {
  fileprivate mutating func note(
    _ record: EventRecord, _ bytes: UnsafeRawBufferPointer, _ object: (any AnyObject & Sendable)?
  ) {
    switch record.kind {
    case .fetch, .identify, .clusterize, .receive:
      requests[record.question] = object as? AskedRequest
      if record.kind == .identify, gateways[record.gateway] == nil, let name = Name(bytes) {
        gateways[record.gateway] = HostView.GatewayView(name: name)
      }
    case .retire: leaving.append(record.gateway)
    case .forget: leaving.append(record.question)
    case .start:
      guard let id = Name(bytes) else { return }
      shards[record.shard] = HostView.ShardView(id: id, gateway: record.gateway)
    case .open:
      guard let uid = Name(bytes) else { return }
      sockets[record.socket] = HostView.SocketView(
        uid: uid, shard: record.shard, data: UnsafeMutableRawPointer(bitPattern: UInt(record.number)),
        index: shards[record.shard]?.sockets.count ?? 0)
      shards[record.shard]?.sockets.append(record.socket)
    case .close:
      leaving.append(record.socket)
      leaveShard(record.socket)
    case .stop: leaving.append(record.shard)
    case .message, .error, .drain, .gossip, .gossiped, .whispered, .writable, .ended, .log, .stopped, .call: break
    }
  }

  /// A closed socket is no member of its Shard any more.
  private mutating func leaveShard(_ handle: Handle) {
    guard let socket = sockets[handle], let last = shards[socket.shard]?.sockets.popLast() else { return }
    guard last != handle else { return }
    shards[socket.shard]?.sockets[socket.index] = last
    sockets[last]?.index = socket.index
  }

  fileprivate mutating func remove(_ handle: Handle) {
    switch handle.kind {
    case .socket: sockets[handle] = nil
    case .shard: shards[handle] = nil
    case .gateway: gateways[handle] = nil
    case .fetch, .identify, .clusterize, .receive: requests[handle] = nil
    case .gossip, .timer, .waiting, .gossipRound, .connection, .lingering, nil: break
    }
  }
}
