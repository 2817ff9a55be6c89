/// A question to the host about one request: what a `dog_request_t` names. It lives on the worker whose callback got
/// it, until it is answered, cancelled or too late; who ends it must have won its claim (see SlotMap).
///
/// `@unchecked Sendable`: all but `handle` is immutable, and `handle` is set before anyone else learns of the ticket.
final class Ticket: @unchecked Sendable {
  enum Question {
    case fetch
    case identify(GatewayCore)
    /// The next Shard's id is asked for, in the slot that the placement gave it.
    case clusterize(GatewayCore, slot: Int)
    /// Not for the host: placed on a Shard that has no name yet.
    case waiting(GatewayCore, slot: Int)
    case receive(ShardCore)

    var kind: Handle.Kind {
      switch self {
      case .fetch: .fetch
      case .identify: .identify
      case .clusterize: .clusterize
      case .waiting: .waiting
      case .receive: .receive
      }
    }
  }

  let question: Question
  let exchange: Exchange
  let uid: Name?
  private(set) var handle = Handle.none

  init(_ question: Question, _ exchange: Exchange, uid: Name? = nil) {
    self.question = question
    self.exchange = exchange
    self.uid = uid
  }

  /// Puts the question. Nil: the client has left or no more fit, and the request is answered; what the question holds
  /// is the caller's to give back.
  static func put(
    _ question: Question, _ exchange: Exchange, uid: Name? = nil, on worker: Worker, timeoutMs: UInt64
  ) -> Ticket? {
    worker.assertHere()
    let ticket = Ticket(question, exchange, uid: uid)
    guard let handle = worker.tickets.insert(ticket, as: question.kind) else {
      exchange.refuse(503, "no more requests can wait", from: worker)
      return nil
    }
    ticket.handle = handle
    // The clusterize question outlives the client that caused it: others may wait for the Shard too.
    if case .clusterize = question {
      worker.remind(handle, at: worker.now + timeoutMs)
    } else if !exchange.enter(handle, deadline: worker.now + timeoutMs) {
      worker.tickets.remove(handle)
      return nil
    }
    worker.counters.add(.requests)
    return ticket
  }

  /// What the client's offers and the Shard's class come to; nil: nothing is compressed. Any thread.
  var deflateAgreement: DeflateAgreement? {
    guard case .receive(let shard) = question, let settings = shard.gateway.deflate,
      let header = exchange.request.header("sec-websocket-extensions"), let offers = ExtensionOffer.list(header)
    else { return nil }
    return DeflateAgreement.choose(from: offers, settings)
  }

  /// It was answered, or is not needed any more: the handle is stale. On its worker, by the winner of the claim.
  func end(on worker: Worker) {
    worker.assertHere()
    worker.tickets.remove(handle)
    worker.counters.add(.requests, -1)
    if worker.events != nil, handle.kind != .waiting {
      var record = EventRecord(.forget)
      record.question = handle
      record.kept = exchange.request.byteCount
      worker.tell(record)
    }
    if case .identify(let gateway) = question { gateway.identified() }
  }

  /// Ends it because there is a response: the place is given back. False where others wait for the same answer, and
  /// `abandonShard` is what gives it to all of them.
  func endResponded(on worker: Worker) -> Bool {
    end(on: worker)
    switch question {
    case .receive(let shard): shard.gateway.release(uid, slot: shard.slot, from: worker)
    case .identify(let gateway): gateway.endIfForgettable()
    case .clusterize: return false
    case .fetch, .waiting: break
    }
    return true
  }

  func abandonShard(with response: Response) {
    if case .clusterize(let gateway, let slot) = question { gateway.abandonShard(slot, with: response) }
  }

  /// The same where the host failed.
  func abandonShard(status: Int) {
    if case .clusterize(let gateway, let slot) = question { gateway.abandonShard(slot, status: status) }
  }

  /// The client has left, or the engine ends. On its worker.
  func cancel(on worker: Worker) {
    // Lost: an answer is on its way here and finds the client gone by itself.
    guard worker.tickets.claim(handle) else { return }
    end(on: worker)
    switch question {
    case .fetch: break
    case .identify(let gateway): gateway.endIfForgettable()
    case .clusterize(let gateway, let slot): gateway.abandonShard(slot, status: 503)
    case .waiting(let gateway, let slot): gateway.stopWaiting(self, slot: slot)
    case .receive(let shard): shard.gateway.release(uid, slot: shard.slot, from: worker)
    }
  }

  /// The host did not name the Shard in time.
  func clusterizeTimedOut(on worker: Worker) {
    worker.logPeer(.warn, "\(exchange.request.summary): 503, clusterize did not answer in time")
    cancel(on: worker)
  }
}

extension Worker {
  func cancel(_ ticket: Handle) { tickets.find(ticket)?.cancel(on: self) }
}
