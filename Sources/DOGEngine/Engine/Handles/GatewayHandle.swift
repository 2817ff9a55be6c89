/// A Gateway. Methods that send may be called from any thread; see dog_gateway_* for what they return.
public struct GatewayHandle: Hashable, Sendable {
  let handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  public init(rawValue: UInt64) { handle = Handle(rawValue: rawValue) }
  public var rawValue: UInt64 { handle.rawValue }

  /// Its object, on its own worker.
  func find() throws(Status) -> GatewayCore {
    switch handle.reach(as: .gateway, in: { $0.gateways }) {
    case .here(let gateway, _): return gateway
    case .elsewhere: throw .wrongThread
    case .failed(let status): throw status
    }
  }

  /// On its own worker.
  public var name: Name? { try? find().key.name }

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
    handle.send(kind, payload, (), as: .gateway, in: { $0.gateways }) { gateway, kind, payload, _ in
      gateway.broadcast(kind, payload, from: gateway.home, excluding: nil)
    }
  }

  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Int) -> Void)? = nil
  ) -> Status {
    handle.send(kind, payload, uid, as: .gateway, in: { $0.gateways }) { [handle] gateway, kind, payload, uid in
      gateway.whisper(uid, kind, payload, from: gateway.home) { worker, count in
        if let whispered, worker.gateways.isCurrent(handle) { worker.callOut { whispered(count) } }
      }
    }
  }
}
