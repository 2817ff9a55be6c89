/// What becomes of a request that its host answers with an upgrade.
enum UpgradeDecision: Sendable {
  case upgrade(Upgrade)
  /// The client has not asked for one, or not as RFC 6455, section 4.2.1, has it.
  case refuse(status: Int, reason: String)
  /// The host selected a subprotocol that the client has not offered.
  case notOffered

  /// What the host is told.
  var status: Status {
    switch self {
    case .upgrade: .ok
    case .refuse: .notUpgrade
    case .notOffered: .invalid
    }
  }
}

extension Ticket {
  /// Any thread, by the winner of the claim: it reads only what is immutable.
  func decideUpgrade(
    to selected: String?, headers: [HTTPHeader], data: UnsafeMutableRawPointer?
  ) -> UpgradeDecision {
    let request = exchange.request
    switch Handshake.check(isGET: request.isGET, isHTTP11: request.isHTTP11, header: { request.header($0) }) {
    case .refuse(let status, let reason): return .refuse(status: status, reason: "\(reason)")
    case .accept(let key):
      if case .receive(let shard) = question, let list = shard.gateway.childType.originList,
        !list.admits(request.header("origin"))
      {
        return .refuse(status: 403, reason: "an origin that is not in the list")
      }
      if let selected, !Handshake.protocols(request.header("sec-websocket-protocol")).contains(selected) {
        return .notOffered
      }
      return .upgrade(
        Upgrade(accept: key, selectedProtocol: selected, deflate: deflateAgreement, headers: headers, data: data))
    }
  }

  /// On its worker, by the winner of the claim.
  func carryOut(_ decision: UpgradeDecision, on worker: Worker) {
    switch decision {
    case .upgrade(let upgrade):
      guard case .receive(let shard) = question, let place else { return }
      end(on: worker)
      shard.connect(exchange, place, upgrade)
    case .refuse(let status, let reason):
      _ = endResponded(on: worker)
      exchange.refuse(status, reason, from: worker)
    case .notOffered:
      _ = endResponded(on: worker)
      worker.logPeer(.error, "\(exchange.request.summary): 500, connect with a protocol not offered")
      exchange.respond(worker.refusal(500), from: worker)
    }
  }

  /// What the client's offers and the Shard's class agree on; nil: nothing is compressed.
  private var deflateAgreement: DeflateAgreement? {
    guard case .receive(let shard) = question, let settings = shard.gateway.deflate,
      let header = exchange.request.header("sec-websocket-extensions"), let offers = ExtensionOffer.list(header)
    else { return nil }
    return DeflateAgreement.choose(from: offers, settings)
  }
}
