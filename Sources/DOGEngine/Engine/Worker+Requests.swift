import Glibc

// What a worker does with a request: routes it, and asks the host.
extension Worker {
  /// Sends a request to its Gateway, or to on_fetch.
  func route(_ exchange: Exchange) {
    if let key = exchange.request.withPath({ router.match($0) }) {
      return forward(exchange, to: key)
    }
    guard engine.definitions.fetch != nil else {
      // RFC 9110, section 9.3.7: "*" asks about the server as a whole, and it is here.
      if exchange.request.withTarget({ $0.elementsEqual(StaticString("*").bytes) }) {
        return exchange.respond(Response(status: 204, lines: [], body: []), from: self)
      }
      return exchange.refuse(404, "no route", from: self)
    }
    guard
      let ticket = Ticket.put(.fetch, exchange, on: self, timeoutMs: options.identifyTimeoutMs)
    else { return }
    ask(ticket)
  }

  func forward(_ exchange: Exchange, to key: GatewayKey) {
    guard workerCount > 1 else { return take(exchange, for: key) }
    let home = engine.home(of: key)
    if home === self { take(exchange, for: key) } else { home.post { $0.take(exchange, for: key) } }
  }

  func take(_ exchange: Exchange, for key: GatewayKey) {
    guard !exchange.hasLeft else { return }
    if let gateway = gatewaysByKey.find(key) { gateway.identify(exchange) } else { begin(key, for: exchange) }
  }

  /// Puts a ticket's question to the host, now or in its turn. If the host returns an error before it has answered, the
  /// answer is 500.
  func ask(_ ticket: Ticket) {
    if callouts.mustWait { callouts.wait(toAsk: ticket.handle) } else { callHost(toAnswer: ticket) }
  }

  /// The turn of a question has come, unless it has ended by now.
  func ask(_ handle: Handle) {
    if let ticket = tables.tickets.find(handle) { callHost(toAnswer: ticket) }
  }

  private func callHost(toAnswer ticket: Ticket) {
    // Once it is answered, the ticket may have another.
    let handle = ticket.handle
    callHost {
      // The caller has the ticket, and so the request: the host may read it until it returns.
      callouts.lender.hold(ticket.exchange.request)
      do {
        try ticket.ask(on: self)
      } catch {
        // If a streamed response has begun, it is reset: so the client sees that it is not whole.
        if tables.tickets.claim(handle) {
          ticket.fail("a callback returned an error: \(error)", on: self)
        } else {
          _ = tables.streams.find(handle)?.abort()
        }
      }
    }
  }

  /// The engine's own answer.
  func refusal(_ status: Int, _ reason: String = "") -> Response {
    Response.refusal(status, reason, retryAfterSeconds: options.retryAfterSeconds)
  }

  /// The value of the Date header for this second; good until the next call.
  func httpDate() -> UnsafeRawBufferPointer {
    // The clock is asked once in a turn.
    guard now != dateMadeAt else { return date.bytes }
    dateMadeAt = now
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    date.set(unixSeconds: UInt64(max(time.tv_sec, 0)))
    return date.bytes
  }
}
