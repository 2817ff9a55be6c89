import CDOG

// What the host's getters see: the objects themselves, on their own worker; or what a host that takes events was told
// of them.

extension Handle {
  /// Where to look for the object: the host's view, or nil for its worker, which the calling thread must be.
  /// `isOfKind`: the handle is of the expected kind.
  func view(isOfKind: Bool) throws(Status) -> HostView? {
    guard !EngineTable.isForked else { throw .forked }
    guard isOfKind else { throw misfit }
    if let worker = Worker.current, worker.engineNumber == engine { return nil }
    return EngineTable.find(engine)?.events?.view
  }

  /// Lends the host memory for the callback that runs, or until it polls again.
  func withLender<Result>(_ body: (inout Lender) -> Result) throws(Status) -> Result {
    if let worker = Worker.current, worker.engineNumber == engine { return body(&worker.callouts.lender) }
    guard let engine = EngineTable.find(engine) else { throw .stale }
    guard let events = engine.events else { throw .wrongThread }
    return events.view.withLender(body)
  }
}

extension RequestHandle {
  /// Looks at the request inside a callback, before whose end what it sees does not go, and counts no reference. Nil:
  /// it is not there, or the call comes from elsewhere; `look` knows.
  @inline(__always)
  func inCallback<Result>(_ look: (HTTPRequest) throws -> Result) rethrows -> Result? {
    guard let kind = handle.kind, kind.isRequest, let pointer = cdog_worker() else { return nil }
    return try Unmanaged<Worker>.fromOpaque(pointer)._withUnsafeGuaranteedRef { worker in
      guard handle.origin == worker.origin | kind.rawValue << Handle.originBits, worker.callouts.isInHost else {
        return nil
      }
      return try worker.tables.tickets.finder.find(handle)?._withUnsafeGuaranteedRef { ticket in
        let request = ticket.exchange.request
        worker.callouts.lender.keep(request)
        return try look(request)
      }
    }
  }

  func look() throws(Status) -> (request: HTTPRequest, uid: Name?) {
    guard let view = try handle.view(isOfKind: handle.kind?.isRequest == true) else {
      let ticket = try find()
      return (ticket.exchange.request, ticket.uid)
    }
    guard let found = view.request(handle), isOpen else { throw .stale }
    return (found.request, found.uid)
  }

  /// It waits for its answer, or for the end of one that has begun.
  private var isOpen: Bool {
    guard let (worker, engine) = handle.findWorker() else { return false }
    defer { withExtendedLifetime(engine) {} }
    return worker.tables.tickets.isCurrent(handle) || worker.tables.streams.find(handle)?.isOpen == true
  }
}

extension SocketHandle {
  func look() throws(Status) -> (uid: Name, shard: Handle, data: UnsafeMutableRawPointer?) {
    guard let view = try handle.view(isOfKind: handle.kind == .socket) else {
      let socket = try find()
      return (socket.uid, socket.shard.handle, socket.data)
    }
    guard let found = view.socket(handle) else { throw .stale }
    return (found.uid, found.shard, found.data)
  }

  func setData(_ data: UnsafeMutableRawPointer?) throws(Status) {
    guard let view = try handle.view(isOfKind: handle.kind == .socket) else {
      try find().data = data
      return
    }
    guard view.setData(data, ofSocket: handle) else { throw .stale }
  }
}

extension ShardHandle {
  func look() throws(Status) -> (id: Name, data: UnsafeMutableRawPointer?) {
    guard let view = try handle.view(isOfKind: handle.kind == .shard) else {
      let shard = try find()
      return (shard.id, shard.data)
    }
    guard let found = view.shard(handle) else { throw .stale }
    return (found.id, found.data)
  }

  func setData(_ data: UnsafeMutableRawPointer?) throws(Status) {
    guard let view = try handle.view(isOfKind: handle.kind == .shard) else {
      try find().data = data
      return
    }
    guard view.setData(data, ofShard: handle) else { throw .stale }
  }

  /// How many sockets are open on it; `body` gets the first `capacity` of them.
  func lookAtSockets(_ capacity: Int, _ body: (Int, Handle) -> Void) throws(Status) -> Int {
    guard let view = try handle.view(isOfKind: handle.kind == .shard) else {
      let shard = try find()
      var index = 0
      if capacity > 0 {
        shard.forEachSocket { socket in
          if index < capacity { body(index, socket.handle) }
          index += 1
        }
      }
      return shard.socketCount
    }
    guard let found = view.shard(handle) else { throw .stale }
    for (index, socket) in found.sockets.prefix(capacity).enumerated() { body(index, socket) }
    return found.sockets.count
  }
}

extension GatewayHandle {
  func look() throws(Status) -> (name: Name, data: UnsafeMutableRawPointer?) {
    guard let view = try handle.view(isOfKind: handle.kind == .gateway) else {
      let gateway = try find()
      return (gateway.key.name, gateway.data)
    }
    guard let found = view.gateway(handle) else { throw .stale }
    return (found.name, found.data)
  }

  func setData(_ data: UnsafeMutableRawPointer?) throws(Status) {
    guard let view = try handle.view(isOfKind: handle.kind == .gateway) else {
      try find().data = data
      return
    }
    guard view.setData(data, ofGateway: handle) else { throw .stale }
  }
}
