import Synchronization

/// The Gateways alive, for those who look one up from any thread. Written when a Gateway begins or ends, not per request.
final class Directory: Sendable {
  private struct State {
    var byKey: [GatewayKey: GatewayCore] = [:]
    var byHandle: [Handle: GatewayCore] = [:]
  }

  private let state = Mutex(State())

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
}
