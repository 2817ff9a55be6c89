/// A Shard. Methods that send or ask may be called from any thread; see dog_shard_* for what they return.
public struct ShardHandle: Hashable, Sendable {
  let handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  public init(rawValue: UInt64) { handle = Handle(rawValue: rawValue) }
  public var rawValue: UInt64 { handle.rawValue }

  /// Its object, on its own worker.
  func find() throws(Status) -> ShardCore {
    switch handle.reach(as: .shard, in: { $0.shards }) {
    case .here(let shard, _): return shard
    case .elsewhere: throw .wrongThread
    case .failed(let status): throw status
    }
  }

  // MARK: On its own worker

  public var id: Name? { try? find().id }
  public var gateway: GatewayHandle? { (try? find()).map { GatewayHandle($0.gateway.handle) } }
  /// How many sockets are open on it.
  public var count: Int { (try? find().socketCount) ?? 0 }
  public var sockets: [SocketHandle] {
    var sockets: [SocketHandle] = []
    try? find().forEachSocket { sockets.append(SocketHandle($0.handle)) }
    return sockets
  }

  // MARK: From any thread

  /// The Gateway that it belongs to.
  func findGateway() throws(Status) -> GatewayHandle {
    if let view = try handle.view(of: handle.kind == .shard) {
      guard let found = view.shard(handle) else { throw .stale }
      return GatewayHandle(found.gateway)
    }
    switch handle.reach(as: .shard, in: { $0.shards }) {
    case .here(let shard, _): return GatewayHandle(shard.gateway.handle)
    case .elsewhere(_, let engine):
      guard let gateway = engine.directory.gateway(ofShard: handle) else { throw .stale }
      return GatewayHandle(gateway)
    case .failed(let status): throw status
    }
  }

  @discardableResult
  public func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.send(kind, payload, (), as: .shard, in: { $0.shards }) { shard, kind, payload, _ in
      shard.emit(kind, payload, excluding: nil)
    }
  }

  @discardableResult
  public func broadcast(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.send(kind, payload, (), as: .shard, in: { $0.shards }) { shard, kind, payload, _ in
      shard.gateway.broadcast(kind, payload, from: shard.worker, excluding: nil)
    }
  }

  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Int) -> Void)? = nil
  ) -> Status {
    handle.send(kind, payload, uid, as: .shard, in: { $0.shards }) { [handle] shard, kind, payload, uid in
      shard.gateway.whisper(uid, kind, payload, from: shard.worker) { worker, count in
        if let whispered, worker.shards.isCurrent(handle) { worker.callOut { whispered(count) } }
      }
    }
  }

  /// Asks every sibling; `gossiped` is told on this Shard's worker what each of them answered. A time of 0 is what the
  /// options say.
  @discardableResult
  public func gossip(
    _ question: UnsafeRawBufferPointer, timeoutMs: UInt64 = 0,
    gossiped: @escaping @Sendable ([GossipResult]) -> Void
  ) -> Status {
    guard timeoutMs <= Options.dayMs else { return .invalid }
    switch handle.reach(as: .shard, in: { $0.shards }) {
    case .here(let shard, _): return GossipRound.begin(question, by: shard, timeoutMs: timeoutMs, gossiped)
    case .elsewhere(let worker, let engine):
      guard question.count <= engine.options.gossipBytesMax else { return .tooBig }
      let copy = [UInt8](question)
      return worker.postPayload(bytes: copy.count) { [handle] worker in
        guard let shard = worker.shards.find(handle) else { return }
        copy.withUnsafeBytes { _ = GossipRound.begin($0, by: shard, timeoutMs: timeoutMs, gossiped) }
      }
    case .failed(let status): return status
    }
  }
}
