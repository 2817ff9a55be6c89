// The connection's side of a streamed response. No other request is read between its head and its last byte.
extension HTTPConnection {
  func begin(_ response: ResponseStream, status: Int, lines: [UInt8]) {
    let exchange = response.ticket.exchange
    guard isWaiting(for: exchange) else {
      return response.lost(worker.isAborting ? .gone : .reset)
    }
    var facts = facts(for: exchange.request, framing: response.framing)
    response.keepsAlive = facts.keepAlive
    if throwAhead(of: response) { facts.keepAlive = false }
    state = .streaming(response)
    if !isHalfClosed { setDeadline(.max) }
    lines.withUnsafeBytes {
      queue(EncodedResponse(headOf: status, lines: $0, for: facts, date: worker.httpDate()))
    }
    response.settle(outboxBytes: outbox.bytes)
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

  /// All that was queued has gone out.
  func streamFlushed(_ response: ResponseStream) {
    guard response.isEnding else { return }
    response.wentOut()
    goOn(keepAlive: response.keepsAlive && !worker.isDraining && !isLastRequest)
  }
}
