extension ShardHandle {
  /// Its object, on its own worker.
  func find() throws(Status) -> ShardCore { try handle.find(as: .shard, in: { $0.tables.shards }) }

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
    if let view = try handle.view(isOfKind: handle.kind == .shard) {
      guard let found = view.shard(handle) else { throw .stale }
      return GatewayHandle(found.gateway)
    }
    switch handle.reach(as: .shard, in: { $0.tables.shards }) {
    case .here(let shard, _): return GatewayHandle(shard.gateway.handle)
    case .elsewhere(_, let engine):
      guard let gateway = engine.directory.gateway(ofShard: handle) else { throw .stale }
      return GatewayHandle(gateway)
    case .failed(let status): throw status
    }
  }

  /// The answer to the start of a Shard whose class `startsLater`, once: it has started, or, with any other status than
  /// `ok`, it ends.
  @discardableResult
  public func started(_ status: Status = .ok) -> Status {
    guard status.rawValue <= 0 else { return .invalid }
    switch handle.reach(as: .shard, in: { $0.tables.shards }) {
    case .here(let shard, let worker):
      guard worker.engine.directory.claimStart(of: handle) else { return .wrongState }
      shard.startAnswered(status)
      return .ok
    case .elsewhere(let worker, let engine):
      guard engine.directory.claimStart(of: handle) else { return .wrongState }
      return worker.post { [handle] in $0.tables.shards.find(handle)?.startAnswered(status) } ? .ok : .stale
    case .failed(let status): return status
    }
  }

  /// Calls `call` on this Shard's worker, once and after all that was asked of it before: with `ok`, or with `gone` if
  /// the Shard has ended first.
  @discardableResult
  public func post(_ call: @escaping @Sendable (Status) -> Void) -> Status {
    switch handle.reach(as: .shard, in: { $0.tables.shards }) {
    case .here(_, let worker): return worker.post(call, for: handle)
    case .elsewhere(let worker, let engine):
      defer { withExtendedLifetime(engine) {} }
      return worker.post(call, for: handle)
    case .failed(let status): return status
    }
  }

  /// The same after a delay of up to a day, never before it is over; with `cancelled` if its handle was cancelled.
  @discardableResult
  public func after(_ delayMs: UInt64, _ call: @escaping @Sendable (Status) -> Void) throws(Status) -> TimerHandle {
    var timer = TimerHandle(.none)
    try after(delayMs, call) { timer = $0 }
    return timer
  }

  /// `named` is given the handle before the call can be made.
  func after(
    _ delayMs: UInt64, _ call: @escaping @Sendable (Status) -> Void, named: (TimerHandle) -> Void
  ) throws(Status) {
    switch handle.reach(as: .shard, in: { $0.tables.shards }) {
    case .here(_, let worker): try worker.postpone(call, for: handle, by: delayMs) { named(TimerHandle($0)) }
    case .elsewhere(let worker, let engine):
      defer { withExtendedLifetime(engine) {} }
      try worker.postpone(call, for: handle, by: delayMs) { named(TimerHandle($0)) }
    case .failed(let status): throw status
    }
  }

  @discardableResult
  public func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.speak(Speech(kind: kind, audience: .shard), payload, as: .shard) { $0.tables.shards }
  }

  @discardableResult
  public func broadcast(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.broadcast(kind, payload, as: .shard) { $0.tables.shards }
  }

  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Status, Int) -> Void)? = nil
  ) -> Status {
    handle.whisper(uid, kind, payload, as: .shard, in: { $0.tables.shards }, whispered: whispered)
  }

  /// Asks every sibling. `gossiped` is called once, on this Shard's worker, with what each of them answered; or with
  /// another status than `ok` if the question failed. A time of 0 stands for the option.
  @discardableResult
  public func gossip(
    _ question: UnsafeRawBufferPointer, timeoutMs: UInt64 = 0,
    gossiped: @escaping @Sendable (Status, [GossipResult]) -> Void
  ) -> Status {
    guard timeoutMs <= Options.dayMs else { return .invalid }
    let asked = AskedSiblings(timeoutMs: timeoutMs, gossiped: gossiped)
    return handle.act(
      on: question, asked, as: .shard, in: { $0.tables.shards }, size: question.count,
      mayBeSent: { _, engine in question.count <= engine.options.gossipBytesMax ? .ok : .tooBig },
      failed: { worker, status in worker.callOut { gossiped(status == .stale ? .gone : status, []) } }
    ) { shard, question, asked in
      GossipRound.begin(question, by: shard, timeoutMs: asked.timeoutMs, asked.gossiped)
    }
  }

  /// What goes with a question to the siblings.
  private struct AskedSiblings: Sendable {
    let timeoutMs: UInt64
    let gossiped: @Sendable (Status, [GossipResult]) -> Void
  }
}
