/// An engine whose host takes events: what waits for it, and what it may look at meanwhile. Any thread.
///
/// The workers' side of it are `EventGateway` and `EventShard`, which stand where a host that is called has its own.
final class HostEvents: Sendable {
  let queue: EventQueue
  let view = HostView()

  init(_ queue: EventQueue) { self.queue = queue }

  /// A line of the log, where the host has no function for it. What finds the queue full is left out.
  @Sendable
  func log(_ level: LogLevel, _ line: String) {
    var record = EventRecord(.log)
    record.code = UInt32(clamping: level.rawValue)
    var line = line
    line.withUTF8 { _ = queue.put(record, UnsafeRawBufferPointer($0), evenIfFull: false) }
  }

  func tellStopped() {
    queue.put(EventRecord(.stopped), UnsafeRawBufferPointer(start: nil, count: 0), evenIfFull: true)
  }
}

extension Handle {
  /// Its engine's host takes events.
  var takesEvents: Bool { EngineTable.find(engine)?.events != nil }
}

extension Engine {
  /// Gives out what waits for the host; see dog_engine_poll. The bytes of each event are good until the next poll.
  func poll(
    capacity: Int, timeoutMs: Int32, give: (EventRecord, UnsafeRawBufferPointer) -> Void
  ) throws(Status) -> Int {
    guard let events else { throw .wrongState }
    return try events.queue.poll(capacity: capacity, timeoutMs: timeoutMs, letGo: events.view.letGo) { record, bytes in
      // A question that has found its end unheard, by its deadline or the client's leaving, is none any more.
      if record.question != .none, !isOpen(record) { return false }
      events.view.note(record, bytes)
      guard record.kind != .forget else { return false }
      give(record, bytes)
      return true
    }
  }

  private func isOpen(_ record: EventRecord) -> Bool {
    let worker = workers[record.question.worker]
    switch record.kind {
    case .fetch, .identify, .clusterize, .receive: return worker.tickets.isCurrent(record.question)
    case .gossip: return worker.gossips.isCurrent(record.question)
    default: return true
    }
  }
}

extension Worker {
  /// Tells a host that takes events.
  func tell(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
    events?.add(record, bytes)
  }

  func tell(_ record: EventRecord, _ bytes: [UInt8]) { bytes.withUnsafeBytes { tell(record, $0) } }

  /// Puts a request's question to a host that takes events, with what its getters will look at.
  func tellQuestion(_ record: EventRecord, _ request: RequestHandle, _ bytes: [UInt8]) {
    guard let ticket = tickets.find(request.handle) else { return }
    var record = record
    record.question = request.handle
    record.object = AskedRequest(ticket)
    record.kept = ticket.exchange.request.byteCount
    tell(record, bytes)
  }
}

/// A pointer of the host's: handed through, and never looked into.
struct HostPointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer?

  init(_ pointer: UnsafeMutableRawPointer?) { self.pointer = pointer }
}
