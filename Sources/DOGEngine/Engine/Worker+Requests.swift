import Glibc

// A request's way through one worker: routed, put to the host.
extension Worker {
  /// Sends a request to its Gateway, or to on_fetch.
  func route(_ exchange: Exchange) {
    if let key = exchange.request.withPath({ engine.definitions.router.match($0) }) {
      return forward(exchange, to: key)
    }
    guard let fetch = engine.definitions.fetch else {
      // RFC 9110, section 9.3.7: "*" asks of the server as a whole, which is here.
      if exchange.request.withTarget({ $0.elementsEqual(StaticString("*").bytes) }) {
        return exchange.respond(Response(status: 204, headers: [], body: []), from: self)
      }
      return exchange.refuse(404, "no route", from: self)
    }
    guard
      let ticket = Ticket.put(.fetch, exchange, on: self, timeoutMs: engine.options.identifyTimeoutMs)
    else { return }
    ask(ticket) { [engine] request in try fetch(engine, request) }
  }

  func forward(_ exchange: Exchange, to key: GatewayKey) {
    let home = engine.home(of: key)
    if home === self { home.take(exchange, for: key) } else { home.post { $0.take(exchange, for: key) } }
  }

  private func take(_ exchange: Exchange, for key: GatewayKey) {
    guard !exchange.hasLeft else { return }
    guard let gateway = GatewayCore.find(key, on: self) else {
      return exchange.refuse(503, "the engine has gateways_max Gateways", from: self)
    }
    gateway.identify(exchange)
  }

  /// Puts a ticket's question to the host. An error from the host before it has answered is answered with 500.
  func ask(_ ticket: Ticket, _ question: @escaping (RequestHandle) throws -> Void) {
    callOut { [self] in
      guard tickets.isCurrent(ticket.handle) else { return }
      do {
        try question(RequestHandle(ticket.handle))
      } catch {
        let request = RequestHandle(ticket.handle)
        if request.fail("a callback returned an error: \(error)") == .stale { request.abort() }
      }
    }
  }

  /// The engine's own answer.
  func refusal(_ status: Int, _ reason: String = "") -> Response {
    Response.refusal(status, reason, retryAfterSeconds: engine.options.retryAfterSeconds)
  }

  /// The Date header's value of this second.
  func httpDate() -> [UInt8] {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    return date.bytes(unixSeconds: UInt64(max(now.tv_sec, 0)))
  }
}
