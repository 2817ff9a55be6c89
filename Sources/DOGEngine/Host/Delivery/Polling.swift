// How a host that takes events polls, and how a question becomes an event.
extension Handle {
  /// Its engine's host takes events.
  var takesEvents: Bool {
    // Most calls come from a worker of the engine: these take no lock.
    if let worker = Worker.current, worker.engineNumber == engine { return worker.events != nil }
    return EngineTable.find(engine)?.events != nil
  }
}

extension Engine {
  /// Gives out the events that wait for the host; see dog_engine_poll. The bytes of each are good until the next poll.
  @inline(__always)
  func poll(
    capacity: Int, timeoutMs: Int32, give: (EventRecord, EventBatch) -> Void
  ) throws(Status) -> Int {
    guard let events else { throw .wrongState }
    return try events.queue.poll(capacity: capacity, timeoutMs: timeoutMs, letGo: events.view.letGo) { record, batch in
      // A question that ended before the host heard it, by its deadline or because the client left, is not told.
      if record.question != .none, !isOpen(record) { return false }
      events.view.note(record, batch)
      guard record.kind != .forget else { return false }
      give(record, batch)
      return true
    }
  }

  private func isOpen(_ record: EventRecord) -> Bool {
    let worker = workers[record.question.worker]
    switch record.kind {
    case .fetch, .identify, .clusterize, .receive: return worker.tables.tickets.isCurrent(record.question)
    case .gossip: return worker.tables.gossips.isCurrent(record.question)
    case .start, .stop, .open, .message, .close, .error, .drain, .whispered, .gossiped, .writable, .ended, .log,
      .stopped, .retire, .call, .forget:
      return true
    }
  }
}

extension Worker {
  /// Puts a request's question to a host that takes events, with what its getters will look at.
  func tellQuestion(_ record: EventRecord, _ request: RequestHandle, _ bytes: [UInt8]) {
    guard let ticket = tables.tickets.find(request.handle) else { return }
    var record = record
    record.question = request.handle
    record.kept = ticket.exchange.request.byteCount
    tell(record, bytes, AskedRequest(ticket.exchange.request, uid: ticket.uid))
  }
}
