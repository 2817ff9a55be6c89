/// The Gateways alive and whose Shards are whose, for those who look from any thread. Written when one begins or ends,
/// not per request.
final class Directory: Sendable {
  private struct State {
    var byKey: [GatewayKey: GatewayCore] = [:]
    var byHandle: [Handle: GatewayCore] = [:]
    var gatewayOfShard: [Handle: Handle] = [:]
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

  func add(shard: Handle, of gateway: Handle) { state.withLock { $0.gatewayOfShard[shard] = gateway } }
  func remove(shard: Handle) { state.withLock { $0.gatewayOfShard[shard] = nil } }
  func gateway(ofShard shard: Handle) -> Handle? { state.withLock { $0.gatewayOfShard[shard] } }
}
