extension GatewayHandle {
  /// Its object, on its own worker.
  func find() throws(Status) -> GatewayCore { try handle.find(as: .gateway, in: { $0.tables.gateways }) }

  /// On its own worker.
  public var name: Name? { try? find().key.name }

  /// A pointer of the host's, nil at first, which the engine neither reads nor frees. Throws off its own worker.
  public func data() throws(Status) -> UnsafeMutableRawPointer? { try look().data }
  public func set(data: UnsafeMutableRawPointer?) throws(Status) { try setData(data) }

  // MARK: From any thread

  /// How many Shards it has, and how many places on them are taken.
  public func stats() throws(Status) -> (shards: Int, connections: Int) {
    guard !EngineTable.isForked else { throw .forked }
    guard handle.kind == .gateway else { throw handle.misfit }
    // A Gateway that is alive is in the directory, which holds it while it is looked at.
    guard let gateway = EngineTable.find(handle.engine)?.directory.find(handle) else { throw .stale }
    return (gateway.shardCount.load(ordering: .relaxed), gateway.placeCount.load(ordering: .relaxed))
  }

  @discardableResult
  public func broadcast(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.broadcast(kind, payload, as: .gateway) { $0.tables.gateways }
  }

  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Status, Int) -> Void)? = nil
  ) -> Status {
    handle.whisper(uid, kind, payload, as: .gateway, in: { $0.tables.gateways }, whispered: whispered)
  }
}
