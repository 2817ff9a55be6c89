import Synchronization

/// One HTTP request and the response that it waits for, on its way through the engine: routed, identified, placed,
/// answered. It may be on another worker than the connection it came from.
///
/// DESIGN. Either side may end it first: the host by answering, the client by leaving. `stage` names the ticket that
/// waits for the host; `isAbandoned` says that the client has left. A worker that makes a ticket writes `stage`, then
/// reads `isAbandoned`; the connection's worker writes `isAbandoned`, then reads `stage`. In one order for all, so that
/// at least one of the two sees the other and the ticket is cancelled at once, wherever it is.
///
/// `@unchecked Sendable`: `request` is immutable, `connection` is used on `origin` alone, the rest is atomic.
final class Exchange: @unchecked Sendable {
  let request: HTTPRequest
  let origin: Worker
  let connection: HTTPConnection
  private let isAbandoned = Atomic<Bool>(false)
  private let stage = Atomic<UInt64>(0)
  /// When the connection gives up waiting.
  private let deadlineMs: Atomic<UInt64>

  init(request: HTTPRequest, connection: HTTPConnection, deadlineMs: UInt64) {
    self.request = request
    self.connection = connection
    origin = connection.worker
    self.deadlineMs = Atomic(deadlineMs)
  }

  var deadline: UInt64 { deadlineMs.load(ordering: .relaxed) }

  var hasLeft: Bool { isAbandoned.load(ordering: .sequentiallyConsistent) }

  /// The host is asked through this ticket from now on. False: the client has left, the ticket is the caller's to
  /// cancel.
  func enter(_ ticket: Handle, deadline: UInt64) -> Bool {
    if deadline < deadlineMs.exchange(deadline, ordering: .relaxed) {
      if origin.isHere { connection.hasten(self) } else { origin.post { _ in self.connection.hasten(self) } }
    }
    stage.store(ticket.rawValue, ordering: .sequentiallyConsistent)
    return !hasLeft
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
      origin.post { _ in self.connection.respond(response, to: self) }
    }
  }

  /// The engine's own answer.
  func refuse(_ status: Int, _ reason: String, from worker: Worker) {
    worker.logPeer(.info, "\(request.summary): \(status), \(reason)", about: reason.hashValue)
    respond(worker.refusal(status, reason), from: worker)
  }
}
