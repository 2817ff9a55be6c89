// The connection's side of a streamed response: from its head to its last byte no other request is read.
extension HTTPConnection {
  func begin(_ response: ResponseStream, status: Int, headers: [HTTPHeader]) {
    let exchange = response.ticket.exchange
    guard isWaiting(for: exchange) else {
      return response.lost(worker.isAborting ? .gone : .reset)
    }
    let facts = facts(for: exchange.request, framing: response.framing)
    response.keepsAlive = facts.keepAlive
    state = .streaming(response)
    if !peerEnded { setDeadline(.max) }
    let head = worker.pool.take(atLeast: 512)
    ResponseEncoder.encodeHead(
      status: status, headers: headers, for: facts, date: worker.httpDate(), into: head)
    outbox.queue(head, 0..<head.count)
    if head.count < 1024 { worker.pool.give(head) }
    response.settle(outboxBytes: outbox.bytes)
    markDirty()
  }

  /// `reserved` is what the stream has counted for these bytes.
  func write(_ content: UnsafeRawBufferPointer, of response: ResponseStream, reserved: Int) {
    guard isStreaming(response), !response.isEnding else { return }
    outbox.queueCopy(size: response.framing.size(of: content.count)) { response.framing.write(content, to: $0) }
    response.settle(outboxBytes: outbox.bytes, arrived: reserved)
    markDirty()
  }

  func endStream(_ response: ResponseStream) {
    guard isStreaming(response), !response.isEnding else { return }
    response.markEnding()
    outbox.queueCopy(response.framing.end.bytes)
    response.settle(outboxBytes: outbox.bytes)
    markDirty()
  }

  /// The host failed.
  func abortStream(_ response: ResponseStream) {
    if isStreaming(response) { end(reset: true, because: .host) }
  }

  private func isStreaming(_ response: ResponseStream) -> Bool {
    if case .streaming(let present) = state { present === response } else { false }
  }

  /// The kernel was offered what waits: `isProgress` when it took some.
  func streamProgressed(_ response: ResponseStream, isProgress: Bool) {
    response.settle(outboxBytes: outbox.bytes)
    if peerEnded {
      // It may only have closed its own side, and take the rest; what has ended for good resets us soon.
      if isProgress { setDeadline(worker.now + HTTPConnection.halfClosedMs) }
    } else if isAllWritten {
      setDeadline(.max)
    } else if isProgress || deadline == .max {
      setDeadline(worker.now + options.bodyTimeoutMs)
    }
  }

  /// All that was queued has gone out.
  func streamFlushed(_ response: ResponseStream) {
    guard response.isEnding else { return }
    response.wentOut()
    goOn(keepAlive: response.keepsAlive && !worker.isDraining && !isLastRequest)
  }

  /// Nothing has moved for as long as it may.
  func streamStalled(_ response: ResponseStream) {
    if peerEnded { return end() }
    guard !isAllWritten else { return setDeadline(.max) }
    worker.logPeer(.info, "\(response.ticket.exchange.request.summary): reset, it does not take its response")
    end(reset: true, because: .slow)
  }
}
