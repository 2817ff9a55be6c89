/// A question to the host about one request: what a `dog_request_t` names. It lives on the worker whose callback got
/// it, until it is answered, cancelled or timed out. Code that ends it must have won its claim (see SlotMap).
///
/// A ticket that has ended may serve the next question of its request: to make another one would take longer than to
/// put it.
///
/// `@unchecked Sendable`: all but `lineIndex`, which is the home worker's alone, stays as it is from before anyone else
/// learns of the ticket's handle until it has ended.
final class Ticket: LineElement, @unchecked Sendable {
  enum Question {
    case fetch
    case identify(GatewayCore)
    /// Asks for the id of the next Shard, which has this slot in the placement.
    case clusterize(GatewayCore, slot: Int)
    /// Not for the host: the request is placed on a Shard that is still coming.
    case waiting(GatewayCore, WaitingLine)
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

  /// The most frequent questions once more, to be looked at without a count of a reference. `question` has them, until
  /// it changes; and during a callback the tables do.
  private enum Asked {
    case identify(Unmanaged<GatewayCore>)
    case receive(Unmanaged<ShardCore>)
    case other

    init(_ question: Question) {
      switch question {
      case .identify(let gateway): self = .identify(.passUnretained(gateway))
      case .receive(let shard): self = .receive(.passUnretained(shard))
      case .fetch, .clusterize, .waiting: self = .other
      }
    }
  }

  private(set) var question: Question {
    didSet { asked = Asked(question) }
  }
  private var asked: Asked
  let exchange: Exchange
  /// The place that its request holds, which is given back when a `receive` or `waiting` question ends.
  private(set) var place: Place?
  private(set) var handle = Handle.none
  /// Where it stands in its `WaitingLine`.
  var lineIndex = -1

  init(_ question: Question, _ exchange: Exchange, place: Place? = nil) {
    self.question = question
    asked = Asked(question)
    self.exchange = exchange
    self.place = place
  }

  var uid: Name? { place?.uid }

  /// Makes the ticket of a question. Nil: the client has left, or there are too many tickets and the request was
  /// refused. The caller then gives back what the question holds.
  static func put(
    _ question: Question, _ exchange: Exchange, place: Place? = nil, on worker: Worker, timeoutMs: UInt64
  ) -> Ticket? {
    worker.assertHere()
    let ticket = Ticket(question, exchange, place: place)
    return ticket.put(worker.tables.tickets.insert(ticket, as: question.kind), on: worker, timeoutMs) ? ticket : nil
  }

  /// The same with this ticket, whose question has ended on this worker and which is still in its slot. False: as nil
  /// of `put`.
  func putAgain(_ next: Question, place nextPlace: Place, on worker: Worker, timeoutMs: UInt64) -> Bool {
    worker.assertHere()
    let tickets = worker.tables.tickets
    question = next
    place = nextPlace
    return put(tickets.rename(handle, as: next.kind), on: worker, timeoutMs)
  }

  private func put(_ named: Handle?, on worker: Worker, _ timeoutMs: UInt64) -> Bool {
    guard let named else {
      exchange.refuse(503, "no more requests can wait", from: worker)
      return false
    }
    handle = named
    // A clusterize question outlives the client that caused it, because others may wait for the Shard too.
    if case .clusterize = question {
      worker.remind(handle, at: worker.now + timeoutMs)
    } else if !exchange.enter(handle, deadline: worker.now + timeoutMs) {
      worker.tables.tickets.remove(handle)
      return false
    }
    worker.counters.add(.requests)
    return true
  }

  /// Puts its question to the host. Inside a callout.
  func ask(on worker: Worker) throws {
    let request = RequestHandle(handle)
    switch asked {
    case .identify(let gateway):
      try gateway._withUnsafeGuaranteedRef { gateway in try gateway.withHost { try $0.identify(request) } }
    case .receive(let shard):
      try shard._withUnsafeGuaranteedRef { shard in try shard.withHost { try $0.receive(request) } }
    case .other: try askOther(request, on: worker)
    }
  }

  @inline(never)
  private func askOther(_ request: RequestHandle, on worker: Worker) throws {
    switch question {
    case .fetch: try worker.engine.definitions.fetch?(worker.engine, request)
    case .clusterize(let gateway, _): try gateway.withHost { try $0.clusterize(request) }
    case .identify, .receive, .waiting: break
    }
  }

  /// Ends it: the handle is stale. On its worker, by the winner of the claim.
  func end(on worker: Worker) {
    worker.tables.tickets.remove(handle)
    endQuestion(on: worker)
  }

  /// The same, but it stays in its slot, where its handle is stale because it is claimed.
  private func endQuestion(on worker: Worker) {
    worker.assertHere()
    worker.counters.add(.requests, -1)
    if worker.events != nil, handle.kind != .waiting {
      var record = EventRecord(.forget)
      record.question = handle
      record.kept = exchange.request.byteCount
      worker.tell(record)
    }
    if case .identify(let gateway) = asked { gateway._withUnsafeGuaranteedRef { $0.identified() } }
  }

  /// Ends it because there is a response, and gives the place back. False if others wait for the same answer:
  /// `abandonShard` then answers all of them.
  func endResponded(on worker: Worker) -> Bool {
    end(on: worker)
    switch asked {
    case .receive(let shard): shard._withUnsafeGuaranteedRef { $0.gateway.release(place, from: worker) }
    case .identify(let gateway): gateway._withUnsafeGuaranteedRef { $0.endIfForgettable() }
    case .other: if case .clusterize = question { return false }
    }
    return true
  }

  /// The host has said who this is. By the winner of the claim, on its worker.
  @inline(never)
  func identified(as validUID: UnsafeRawBufferPointer, on worker: Worker) -> Status {
    guard case .identify(let gateway) = question else { return .wrongKind }
    let asked = handle
    endQuestion(on: worker)
    gateway.admit(self, validUID)
    // Unless it has another question by now.
    if handle == asked { worker.tables.tickets.remove(asked) }
    gateway.endIfForgettable()
    return .ok
  }

  /// By the winner of the claim, on its worker. On the worker of the connection the response goes straight into what is
  /// sent.
  @inline(never)
  func respond(status: Int, lines: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, on worker: Worker) {
    guard exchange.origin === worker, handle.kind != .clusterize else {
      return respond(Response(status: status, lines: [UInt8](lines), body: [UInt8](body)), on: worker)
    }
    _ = endResponded(on: worker)
    exchange.connection.respond(status: status, lines: lines, body: body, to: exchange)
  }

  func respond(_ response: Response, on worker: Worker) {
    if endResponded(on: worker) { exchange.respond(response, from: worker) } else { abandonShard(with: response) }
  }

  private func abandonShard(with response: Response) {
    if case .clusterize(let gateway, let slot) = question { gateway.abandonShard(slot, with: response) }
  }

  /// The same if the host failed.
  func abandonShard(status: Int) {
    if case .clusterize(let gateway, let slot) = question { gateway.abandonShard(slot, status: status) }
  }

  /// The host failed: 500. On its worker, by the winner of the claim.
  func fail(_ reason: String, on worker: Worker) {
    worker.logPeer(.error, "\(exchange.request.summary): 500, \(reason)")
    if endResponded(on: worker) {
      exchange.respond(worker.refusal(500), from: worker)
    } else {
      abandonShard(status: 500)
    }
  }

  /// The client has left, or the engine ends. On its worker.
  func cancel(on worker: Worker) {
    // If the claim is lost, an answer is on its way here, and will find that the client has left.
    guard worker.tables.tickets.claim(handle) else { return }
    end(on: worker)
    switch question {
    case .fetch: break
    case .identify(let gateway): gateway.endIfForgettable()
    case .clusterize(let gateway, let slot): gateway.abandonShard(slot, status: 503)
    case .waiting(let gateway, let line): gateway.stopWaiting(self, in: line)
    case .receive(let shard): shard.gateway.release(place, from: worker)
    }
  }

  /// Its worker ends, so its answer will reach nobody. It is counted out, but stays in its slot, where the thread that
  /// has claimed it may read it.
  func giveUp(on worker: Worker) {
    worker.counters.add(.requests, -1)
    if case .receive(let shard) = question { shard.gateway.release(place, from: worker) }
  }

  /// The host did not name the Shard in time.
  func clusterizeTimedOut(on worker: Worker) {
    worker.logPeer(.warn, "\(exchange.request.summary): 503, clusterize did not answer in time")
    cancel(on: worker)
  }
}

extension Worker {
  func cancel(_ ticket: Handle) { tables.tickets.find(ticket)?.cancel(on: self) }
}
