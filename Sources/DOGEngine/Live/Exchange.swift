import Synchronization

/// One HTTP request on its way through the engine, and the response that it waits for. It may be on another worker than
/// its connection.
///
/// DESIGN. Either side may end it first: the host by answering, the client by leaving. `stage` names the ticket that
/// waits for the host; `isAbandoned` says that the client has left. A worker that makes a ticket writes `stage`, then
/// reads `isAbandoned`; the connection's worker writes `isAbandoned`, then reads `stage`. Both are sequentially
/// consistent, so at least one of the two sees the other's write, and the ticket is cancelled at once.
///
/// How a request ends. Each of these has won the ticket's claim (`SlotMap.claim`) first, so there is one:
///
///     ended by                         begins at                   on the ticket's worker, by the claim's winner
///     the host answers, any thread     RequestHandle.settle        Ticket.endResponded: the place is given back
///     a callback throws                Worker.ask                  Ticket.fail: the same, with 500
///     the client leaves, or the host   Exchange.abandon, on        Ticket.cancel: the same, without an answer
///       is too late for it               the connection's worker
///     no name for a Shard in time      Worker.remindNow            Ticket.cancel: all that wait for the Shard get 503
///     the engine winds down            Worker.windDown             Ticket.cancel
///     the host begins a stream         RequestHandle.respondBegin  the claim is kept, and the place with it, until
///                                                                  ResponseStream.conclude, which runs once
///     an upgrade                       RequestHandle.connect       Ticket.end: the place is the socket's from then on
///
/// `@unchecked Sendable`: `request` is immutable, `connection` is used on its worker alone, which is `origin`, and the
/// rest is atomic.
final class Exchange: @unchecked Sendable {
  let request: HTTPRequest
  let connection: HTTPConnection
  var origin: Worker { connection.worker }
  private let isAbandoned = Atomic<Bool>(false)
  private let stage = Atomic<UInt64>(0)
  /// When the connection gives up waiting.
  private let deadlineMs: Atomic<UInt64>

  init(request: consuming HTTPRequest, connection: HTTPConnection, deadlineMs: UInt64) {
    self.request = request
    self.connection = connection
    self.deadlineMs = Atomic(deadlineMs)
  }

  var deadline: UInt64 { deadlineMs.load(ordering: .relaxed) }

  var hasLeft: Bool { isAbandoned.load(ordering: .sequentiallyConsistent) }

  /// The host is asked through this ticket from now on. False: the client has left, the ticket is the caller's to
  /// cancel.
  func enter(_ ticket: Handle, deadline: UInt64) -> Bool {
    setDeadline(deadline)
    stage.store(ticket.rawValue, ordering: .sequentiallyConsistent)
    return !hasLeft
  }

  /// The deadline changes, to a later or an earlier time.
  func setDeadline(_ deadline: UInt64) {
    guard deadline < deadlineMs.exchange(deadline, ordering: .relaxed) else { return }
    if origin.isHere { connection.hasten(self) } else { origin.post { _ in self.connection.hasten(self) } }
  }

  /// The client has left, or waited too long. On `origin`.
  func abandon() {
    origin.assertHere()
    isAbandoned.store(true, ordering: .sequentiallyConsistent)
    let ticket = Handle(rawValue: stage.load(ordering: .sequentiallyConsistent))
    guard ticket.rawValue != 0 else { return }
    let worker = origin.engine.workers[ticket.worker]
    if worker === origin {
      worker.cancel(ticket)
    } else {
      worker.post { $0.cancel(ticket) }
    }
  }

  /// Sends the response home. From any worker, at most once.
  func respond(_ response: Response, from worker: Worker) {
    if worker === origin {
      connection.respond(response, to: self)
    } else {
      worker.settleLedger()
      origin.post(bytes: response.byteCount) { _ in self.connection.respond(response, to: self) }
    }
  }

  /// The engine's own answer.
  func refuse(_ status: Int, _ reason: String, from worker: Worker) {
    worker.logPeer(.info, "\(request.summary): \(status), \(reason)", about: reason.hashValue)
    respond(worker.refusal(status, reason), from: worker)
  }
}
