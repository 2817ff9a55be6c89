/// The Gateways that are alive, the Gateway of each Shard, and the Shards whose start the host has not answered. Any
/// thread may look. Written when a Gateway or Shard begins or ends, not for a request.
final class Directory: Sendable {
  private struct State {
    var byKey: [GatewayKey: GatewayCore] = [:]
    var byHandle: [Handle: GatewayCore] = [:]
    var gatewayOfShard: [Handle: Handle] = [:]
    /// By Gateway, its Shards that have started.
    var siblings: [Handle: [Handle: Name]] = [:]
    var startsToAnswer: Set<Handle> = []
  }

  private let state = Lock(State())

  func add(_ gateway: GatewayCore) {
    state.withLock { state in
      state.byKey[gateway.key] = gateway
      state.byHandle[gateway.handle] = gateway
    }
  }

  func remove(_ gateway: GatewayCore) {
    state.withLock { state in
      state.byKey[gateway.key] = nil
      state.byHandle[gateway.handle] = nil
    }
  }

  func find(_ key: GatewayKey) -> GatewayCore? { state.withLock { $0.byKey[key] } }
  func find(_ handle: Handle) -> GatewayCore? { state.withLock { $0.byHandle[handle] } }

  func add(shard: Handle, of gateway: Handle, startsLater: Bool) {
    state.withLock { state in
      state.gatewayOfShard[shard] = gateway
      if startsLater { state.startsToAnswer.insert(shard) }
    }
  }

  /// The Shard has started: its siblings may ask it.
  func addSibling(_ shard: Handle, _ id: Name, in gateway: Handle) {
    state.withLock { $0.siblings[gateway, default: [:]][shard] = id }
  }

  /// The Shard gets no more questions.
  func removeSibling(_ shard: Handle, in gateway: Handle) {
    state.withLock { state in
      state.siblings[gateway]?[shard] = nil
      if state.siblings[gateway]?.isEmpty == true { state.siblings[gateway] = nil }
    }
  }

  func siblings(in gateway: Handle) -> [(handle: Handle, id: Name)] {
    state.withLock { $0.siblings[gateway, default: [:]].map { (handle: $0.key, id: $0.value) } }
  }

  func remove(shard: Handle) {
    state.withLock { state in
      state.gatewayOfShard[shard] = nil
      state.startsToAnswer.remove(shard)
    }
  }

  /// Wins the one right to answer a Shard's start. False: it was answered, or its class does not start later.
  func claimStart(of shard: Handle) -> Bool { state.withLock { $0.startsToAnswer.remove(shard) != nil } }

  /// Of a Gateway's handle or a Shard's.
  func cluster(of handle: Handle) -> GatewayCore? {
    state.withLock { state in
      let gateway = handle.kind == .gateway ? handle : state.gatewayOfShard[handle]
      return gateway.flatMap { state.byHandle[$0] }
    }
  }

  func gateway(ofShard shard: Handle) -> Handle? { state.withLock { $0.gatewayOfShard[shard] } }
}
