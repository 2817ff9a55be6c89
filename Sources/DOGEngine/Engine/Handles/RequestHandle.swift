/// A request that waits for one answer. Answers may be given from any thread; see dog_request_* for what they return.
/// An answer that cannot be used is replaced by 500, so that nobody is left waiting.
public struct RequestHandle: Hashable, Sendable {
  let handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  public init(rawValue: UInt64) { handle = Handle(rawValue: rawValue) }
  public var rawValue: UInt64 { handle.rawValue }

  /// Its object, on its own worker.
  func find() throws(Status) -> Ticket {
    guard !EngineTable.isForked else { throw .forked }
    guard handle.kind?.isRequest == true else { throw handle.misfit }
    switch handle.reach(in: { $0.tickets }) {
    case .here(let ticket, _): return ticket
    case .elsewhere: throw .wrongThread
    case .failed(let status):
      if let ticket = try findStreaming() { return ticket }
      throw status
    }
  }

  // MARK: On its own worker, until it is answered

  /// What the client sent. It is immutable and may be kept.
  public var request: HTTPRequest? { try? find().exchange.request }
  /// The identity that `identify` gave.
  public var uid: Name? { try? find().uid }

  // MARK: Answers, from any thread

  /// To `identify`: who this is.
  @discardableResult
  public func identify(_ uid: String) -> Status {
    var uid = uid
    return uid.withUTF8 { identify(UnsafeRawBufferPointer($0)) }
  }

  @discardableResult
  public func identify(_ uid: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .identify else { return refusedKind }
    guard let name = Name(uid) else { return fail(with: uid.count > Name.bytesMax ? .tooBig : .invalid) }
    return settle { worker, ticket in
      guard case .identify(let gateway) = ticket.question else { return .wrongKind }
      ticket.end(on: worker)
      gateway.admit(ticket.exchange, name)
      gateway.endIfForgettable()
      return .ok
    }
  }

  /// To `clusterize`: the id of the next Shard.
  @discardableResult
  public func clusterize(_ id: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .clusterize else { return refusedKind }
    guard let name = Name(id) else { return fail(with: id.count > Name.bytesMax ? .tooBig : .invalid) }
    return settle { worker, ticket in
      guard case .clusterize(let gateway, let slot) = ticket.question else { return .wrongKind }
      ticket.end(on: worker)
      guard !gateway.isTaken(name) else {
        worker.logPeer(
          .error, "\(ticket.exchange.request.summary): 500, clusterize named a Shard that is alive: \(name)")
        gateway.abandonShard(slot, status: 500)
        return .exists
      }
      gateway.nameShard(slot, name)
      return .ok
    }
  }

  /// To on_fetch: sends the request to a Gateway.
  @discardableResult
  public func forward(to gatewayClass: String, _ name: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .fetch else { return refusedKind }
    guard let name = Name(name) else { return fail(with: name.count > Name.bytesMax ? .tooBig : .invalid) }
    guard let engine = EngineTable.find(handle.engine), engine.lifecycle.wasStarted else { return .stale }
    guard let index = engine.gatewayClass(named: gatewayClass) else { return fail(with: .notFound) }
    return settle { worker, ticket in
      ticket.end(on: worker)
      worker.forward(ticket.exchange, to: GatewayKey(gatewayClass: index, name: name))
      return .ok
    }
  }

  /// To any question: a whole response.
  @discardableResult
  public func respond(status: Int, headers: [HTTPHeader] = [], body: UnsafeRawBufferPointer) -> Status {
    guard handle.kind?.isRequest == true else { return refusedKind }
    guard (200...599).contains(status), body.isEmpty || HTTPStatus.hasContent(status),
      headers.allSatisfy({ ResponseEncoder.isValid($0) })
    else { return fail(with: .invalid) }
    // On the worker of the connection the body goes straight into what is sent.
    if case .here(let ticket, let worker) = handle.reach(in: { $0.tickets }), ticket.exchange.origin === worker,
      worker.tickets.claim(handle)
    {
      if ticket.endResponded(on: worker) {
        ticket.exchange.connection.respond(status: status, headers: headers, body: body, to: ticket.exchange)
      } else {
        ticket.abandonShard(with: Response(status: status, headers: headers, body: [UInt8](body)))
      }
      return .ok
    }
    let response = Response(status: status, headers: headers, body: [UInt8](body))
    return settle { worker, ticket in
      if ticket.endResponded(on: worker) {
        ticket.exchange.respond(response, from: worker)
      } else {
        ticket.abandonShard(with: response)
      }
      return .ok
    }
  }

  @discardableResult
  public func respond(status: Int, headers: [HTTPHeader] = [], body: String) -> Status {
    var body = body
    return body.withUTF8 { respond(status: status, headers: headers, body: UnsafeRawBufferPointer($0)) }
  }

  /// To `receive`: upgrades to a WebSocket on this Shard.
  @discardableResult
  public func connect(protocol selected: String? = nil, headers: [HTTPHeader] = []) -> Status {
    connect(protocol: selected, headers: headers, data: nil)
  }

  func connect(protocol selected: String?, headers: [HTTPHeader], data: UnsafeMutableRawPointer?) -> Status {
    guard handle.kind == .receive else { return refusedKind }
    guard headers.allSatisfy({ ResponseEncoder.isValid($0, forUpgrade: true) }) else { return fail(with: .invalid) }
    let upgradeHeaders = headers
    nonisolated(unsafe) let data = data
    return settleChecking { ticket in
      let request = ticket.exchange.request
      let handshake = Handshake.check(isGET: request.isGET, isHTTP11: request.isHTTP11) { request.header($0) }
      switch handshake {
      case .refuse(let status, let reason):
        return (
          .notUpgrade,
          { worker, ticket in
            _ = ticket.endResponded(on: worker)
            ticket.exchange.refuse(status, "\(reason)", from: worker)
          }
        )
      case .accept(let key):
        if case .receive(let shard) = ticket.question, let list = shard.gateway.childType.originList,
          !list.admits(request.header("origin"))
        {
          return (
            .notUpgrade,
            { worker, ticket in
              _ = ticket.endResponded(on: worker)
              ticket.exchange.refuse(403, "an origin that is not in the list", from: worker)
            }
          )
        }
        if let selected, !Handshake.protocols(request.header("sec-websocket-protocol")).contains(selected) {
          return (
            .invalid,
            { worker, ticket in
              _ = ticket.endResponded(on: worker)
              worker.logPeer(.error, "\(ticket.exchange.request.summary): 500, connect with a protocol not offered")
              ticket.exchange.respond(worker.refusal(500), from: worker)
            }
          )
        }
        let upgrade = Upgrade(
          accept: key, selectedProtocol: selected, deflate: ticket.deflateAgreement, headers: upgradeHeaders, data: data
        )
        return (
          .ok,
          { worker, ticket in
            guard case .receive(let shard) = ticket.question, let uid = ticket.uid else { return }
            ticket.end(on: worker)
            shard.connect(ticket.exchange, uid, upgrade)
          }
        )
      }
    }
  }

  /// Answers with 500: the host failed.
  @discardableResult
  func fail(_ reason: String) -> Status {
    settle { worker, ticket in
      worker.logPeer(.error, "\(ticket.exchange.request.summary): 500, \(reason)")
      if ticket.endResponded(on: worker) {
        ticket.exchange.respond(worker.refusal(500), from: worker)
      } else {
        ticket.abandonShard(status: 500)
      }
      return .ok
    }
  }

  /// To the question of this kind (nil: of any), where what was to be the answer is none: it takes the handle as an
  /// answer does.
  func refuse(_ status: Status, to kind: Handle.Kind?) -> Status {
    guard handle.kind?.isRequest == true, kind == nil || kind == handle.kind else { return refusedKind }
    return fail(with: status)
  }

  func fail(with status: Status) -> Status {
    let answered = fail("an answer that cannot be used: \(status.name)")
    return answered.isOK ? status : answered
  }

  // MARK: Claiming

  var refusedKind: Status {
    guard !EngineTable.isForked else { return .forked }
    guard handle.kind?.isRequest == true else { return handle.misfit }
    // A request's handle that is of no use here is stale before it is of the wrong kind.
    switch handle.reach(in: { $0.tickets }) {
    case .here, .elsewhere: return .wrongKind
    case .failed(let status): return status
    }
  }

  /// Wins the claim and acts on the ticket's worker. What `act` returns is seen only there.
  private func settle(_ act: @escaping @Sendable (Worker, Ticket) -> Status) -> Status {
    guard !EngineTable.isForked else { return .forked }
    switch handle.reach(in: { $0.tickets }) {
    case .here(let ticket, let worker):
      guard worker.tickets.claim(handle) else { return .stale }
      return act(worker, ticket)
    case .elsewhere(let worker, _):
      guard worker.tickets.claim(handle) else { return .stale }
      let isSent = worker.post { [handle] worker in
        if let ticket = worker.tickets.claimed(handle) { _ = act(worker, ticket) }
      }
      return isSent ? .ok : .stale
    case .failed(let status): return status
    }
  }

  /// As `settle`, but decides on the calling thread: a ticket that is claimed stays in place, and what is immutable in
  /// it may be read.
  private func settleChecking(
    _ decide: (Ticket) -> (Status, @Sendable (Worker, Ticket) -> Void)
  ) -> Status {
    guard !EngineTable.isForked else { return .forked }
    switch handle.reach(in: { $0.tickets }) {
    case .here(let ticket, let worker):
      guard worker.tickets.claim(handle) else { return .stale }
      let (status, act) = decide(ticket)
      act(worker, ticket)
      return status
    case .elsewhere(let worker, let engine):
      // An engine that ends lets go of what was claimed.
      defer { withExtendedLifetime(engine) {} }
      guard worker.tickets.claim(handle), let ticket = worker.tickets.claimed(handle) else { return .stale }
      let (status, act) = decide(ticket)
      let isSent = worker.post { act($0, ticket) }
      return isSent ? status : .stale
    case .failed(let status): return status
    }
  }
}
