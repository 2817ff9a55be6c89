// How a connection ends, and what happens to a request that does not come whole.
extension HTTPConnection {
  /// The engine stops: only a request in flight is still answered.
  func drain() {
    switch state {
    case .arriving: end(reset: true)
    case .reading:
      guard parser.phase == .idle, ahead.isEmpty else { return }
      endOfInput()
    case .waiting, .streaming, .leaving, .finishing, .lingering, .gone: break
    }
  }

  /// The grace is over: what is queued is offered to the kernel once, and nobody waits any longer.
  func abort() {
    switch state {
    // The client must not take what came for the whole, or nothing was written.
    case .arriving, .streaming, .leaving: return end(.reset, because: .gone)
    case .reading, .waiting, .finishing, .lingering, .gone: break
    }
    var written = 0
    _ = outbox.write(to: stream, upTo: .max, written: &written)
    worker.turn.wrote(written)
    end(.abandon, because: .gone)
  }

  /// No more requests: ends when what is queued has gone out.
  func finish() {
    state = .finishing
    stream.readToEnd()
    ahead.removeAll()
    readNoMore()
    // What the client still sends is thrown away: otherwise it might wait for us before it reads.
    if !peerEnded { stream.readStart() }
    setDeadline(.max)
    guard !isAllWritten else { return flushed() }
    watchSending()
    markDirty()
  }

  /// Frees what has come of a request.
  private func readNoMore() {
    parser.abandon()
    endUnfinished()
  }

  /// What happens to the stream.
  enum StreamEnd { case close, reset, abandon }

  func end(reset: Bool, because status: Status = .reset) { end(reset ? .reset : .close, because: status) }

  /// The one end.
  func end(_ streamEnd: StreamEnd = .close, because status: Status = .reset) {
    if case .gone = state { return }
    let ending = state
    state = .gone
    switch streamEnd {
    case .close: stream.close()
    case .reset: stream.reset()
    case .abandon: stream.abandon()
    }
    outbox.completed()
    outbox.discard()
    ahead.removeAll()
    readNoMore()
    worker.keep(self)
    worker.tables.connections.remove(handle)
    // Before the last connection of an engine that stops is counted out.
    if case .streaming(let response) = ending { response.lost(status) }
    worker.connectionEnded(wasRefused: refusal != nil)
    if refusal != nil { worker.refusedConnections -= 1 }
    switch ending {
    case .waiting(let exchange): exchange.abandon()
    case .leaving:
      let then = onFlushed
      onFlushed = nil
      then?(false)
    case .arriving, .reading, .streaming, .finishing, .lingering, .gone: break
    }
  }

  // MARK: A request that does not come whole

  /// What has come of the next request counts for the worker's limit.
  func keepUnfinished() {
    guard parser.phase != .idle else { return endUnfinished() }
    if unfinished >= 0 {
      worker.unfinished.set(unfinished, bytes: parser.bytesHeld)
    } else {
      unfinished = worker.unfinished.begin(handle, bytes: parser.bytesHeld, nowMs: worker.now)
    }
    worker.boundUnfinished()
  }

  func endUnfinished() {
    guard unfinished >= 0 else { return }
    worker.unfinished.end(unfinished)
    unfinished = UnfinishedList.none
  }

  /// The worker holds too many unfinished bytes, and this request has taken longest. It is out of the worker's list.
  func unfinishedTooLong() {
    unfinished = UnfinishedList.none
    refuse(503, "the worker is over unfinished_bytes_max, and the request has taken longest")
  }
}
