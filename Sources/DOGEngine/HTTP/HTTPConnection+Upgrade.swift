// The connection's end where its stream goes on as a WebSocket's: on this worker, or moved to another.
extension HTTPConnection {
  /// The connection leaves for a WebSocket on this worker. Nil: its client has left.
  func giveUp(_ exchange: Exchange, _ then: @escaping ((stream: Stream, unread: [UInt8])?) -> Void) {
    leave(exchange) { [self] isLeaving in
      guard isLeaving else { return then(nil) }
      let unread = forget()
      if let client = exchange.request.forwardedFor { stream.speaks(for: client) }
      stream.readStop()
      stream.owner = nil
      then((stream, unread))
    }
  }

  /// The same, for a WebSocket on another worker.
  func detach(_ exchange: Exchange, _ then: @escaping (DetachedUpgrade?) -> Void) {
    leave(exchange) { [self] isLeaving in
      guard isLeaving else { return then(nil) }
      if let client = exchange.request.forwardedFor { stream.speaks(for: client) }
      do {
        let detached = try stream.detach()
        then(DetachedUpgrade(connection: detached, unread: forget()))
      } catch {
        worker.logPeer(.error, "\(exchange.request.summary): 503, no descriptor to move it to its Shard's worker")
        state = .waiting(exchange)
        respond(worker.refusal(503), to: exchange)
        then(nil)
      }
    }
  }

  /// Calls `then` with true when earlier responses are written, with false when the client has left or waits no more.
  /// One that has ended its own side has not: the socket will read what it said before, and meet its FIN again.
  private func leave(_ exchange: Exchange, _ then: @escaping (_ isLeaving: Bool) -> Void) {
    guard isWaiting(for: exchange) else { return then(false) }
    state = .leaving
    setDeadline(worker.now + options.closeTimeoutMs)
    onFlushed = then
    writeOut()
  }

  /// The stream is a WebSocket's from here on. Returns what was read past the request.
  private func forget() -> [UInt8] {
    state = .gone
    worker.connections.remove(handle)
    return isReading ? [UInt8](unread) : ahead
  }
}
