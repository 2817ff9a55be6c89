extension RequestHandle {
  /// Its object, on its own worker.
  func find() throws(Status) -> Ticket {
    guard !EngineTable.isForked else { throw .forked }
    guard handle.kind?.isRequest == true else { throw handle.misfit }
    switch handle.reach(in: { $0.tables.tickets }) {
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
  public func identify(_ uid: String) -> Status { uid.withBytes { identify($0) } }

  @discardableResult
  public func identify(_ uid: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .identify else { return refusedKind }
    guard Name.isValid(uid) else { return refuse(uid, as: "uid") }
    if let here = handle.claimHere({ $0.tables.tickets.finder }, { $1.identified(as: uid, on: $0) }) { return here }
    let copy = [UInt8](uid)
    return answer { worker, ticket in copy.withUnsafeBytes { ticket.identified(as: $0, on: worker) } }
  }

  /// A uid or a Gateway's name mostly comes from the client, so a bad one is the client's fault: 400.
  private func refuse(_ name: UnsafeRawBufferPointer, as noun: String) -> Status {
    let status = name.count > Name.bytesMax ? Status.tooBig : .invalid
    let answered = answer { worker, ticket in
      _ = ticket.endResponded(on: worker)
      ticket.exchange.refuse(400, "its \(noun) is \(status == .tooBig ? "too long" : "not a name")", from: worker)
      return .ok
    }
    return answered.isOK ? status : answered
  }

  /// To `clusterize`: the id of the next Shard.
  @discardableResult
  public func clusterize(_ id: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .clusterize else { return refusedKind }
    guard let name = Name(id) else { return fail(with: id.count > Name.bytesMax ? .tooBig : .invalid) }
    return answer { worker, ticket in
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
    guard let name = Name(name) else { return refuse(name, as: "Gateway's name") }
    guard let engine = EngineTable.find(handle.engine), engine.lifecycle.wasStarted else { return .stale }
    guard let index = engine.gatewayClass(named: gatewayClass) else { return fail(with: .notFound) }
    return answer { worker, ticket in
      ticket.end(on: worker)
      worker.forward(ticket.exchange, to: GatewayKey(gatewayClass: index, name: name))
      return .ok
    }
  }

  /// To any question: a whole response.
  @discardableResult
  public func respond(status: Int, headers: [HTTPHeader] = [], body: UnsafeRawBufferPointer) -> Status {
    guard let lines = headers.validLines else { return respond(status: status, lines: nil, body: body) }
    return lines.withUnsafeBytes { respond(status: status, lines: $0, body: body) }
  }

  /// `lines` are those of the headers; nil: the host may not send one of them.
  func respond(status: Int, lines: UnsafeRawBufferPointer?, body: UnsafeRawBufferPointer) -> Status {
    guard handle.kind?.isRequest == true else { return refusedKind }
    guard (200...599).contains(status), body.isEmpty || HTTPStatus.hasContent(status), let lines else {
      return fail(with: .invalid)
    }
    let here = handle.claimHere({ $0.tables.tickets.finder }) { worker, ticket in
      ticket.respond(status: status, lines: lines, body: body, on: worker)
      return .ok
    }
    if let here { return here }
    let response = Response(status: status, lines: [UInt8](lines), body: [UInt8](body))
    return answer(bytes: response.byteCount) { worker, ticket in
      ticket.respond(response, on: worker)
      return .ok
    }
  }

  @discardableResult
  public func respond(status: Int, headers: [HTTPHeader] = [], body: String) -> Status {
    body.withBytes { respond(status: status, headers: headers, body: $0) }
  }

  /// To `receive`: upgrades to a WebSocket on this Shard.
  @discardableResult
  public func connect(protocol selected: String? = nil, headers: [HTTPHeader] = []) -> Status {
    connect(protocol: selected, headers: headers, data: nil)
  }

  func connect(protocol selected: String?, headers: [HTTPHeader], data: UnsafeMutableRawPointer?) -> Status {
    guard handle.kind == .receive else { return refusedKind }
    guard headers.allSatisfy({ ResponseEncoder.isValid($0, forUpgrade: true) }) else { return fail(with: .invalid) }
    do throws(Status) {
      let claim = try handle.claim { $0.tables.tickets }
      let decision = claim.object.decideUpgrade(to: selected, headers: headers, data: data)
      let answered = claim.act { worker, ticket in
        ticket.carryOut(decision, on: worker)
        return .ok
      }
      return answered.isOK ? decision.status : answered
    } catch {
      return error
    }
  }

  /// Answers with 500: the host failed.
  @discardableResult
  func fail(_ reason: String) -> Status {
    answer { worker, ticket in
      ticket.fail(reason, on: worker)
      return .ok
    }
  }

  /// For an answer that cannot be used, to the question of this kind (nil: of any): it ends the question as an answer
  /// does.
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
    // A handle of the wrong kind that is stale counts as stale.
    switch handle.reach(in: { $0.tables.tickets }) {
    case .here, .elsewhere: return .wrongKind
    case .failed(let status): return status
    }
  }

  /// Wins the claim and acts on the ticket's worker. What `act` returns is heard only there.
  private func answer(bytes: Int = 0, _ act: @escaping @Sendable (Worker, Ticket) -> Status) -> Status {
    do throws(Status) {
      return try handle.claim { $0.tables.tickets }.act(bytes: bytes, act)
    } catch {
      return error
    }
  }
}
