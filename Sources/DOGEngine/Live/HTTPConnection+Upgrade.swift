// How a connection ends when its stream becomes a WebSocket's: on this worker, or moved to another.
extension HTTPConnection {
  /// Gives the stream to a WebSocket on this worker. Nil: the client has left.
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

  /// Calls `then` with true when earlier responses are written, with false if the client has left or waits no more. A
  /// client that has only ended its own side has not left: the socket reads what it sent before, and then its FIN.
  private func leave(_ exchange: Exchange, _ then: @escaping (_ isLeaving: Bool) -> Void) {
    guard isWaiting(for: exchange) else { return then(false) }
    state = .leaving
    setDeadline(.max)
    onFlushed = then
    writeOut()
  }

  /// The stream is a WebSocket's from now on. Returns what was read past the request.
  private func forget() -> [UInt8] {
    state = .gone
    worker.keep(self)
    worker.tables.connections.remove(handle)
    return isReading ? [UInt8](unread) : ahead.array
  }
}
