// A connection that is not let in: it gets a 503, or is closed without an answer.
extension HTTPConnection {
  var isRefused: Bool { refusal != nil }

  /// Refuses a connection that is not let in, with 503 as soon as its handshake is over. The close then takes its time
  /// as for any other. If 256 refused connections are open already, the 503 is sent at once if that is possible (plain
  /// TCP, no PROXY header to come), and the connection closed.
  func refuseConnection(_ reason: StaticString) {
    guard refusal == nil else { return }
    guard worker.refusedConnections < Worker.refusedConnectionsMax else {
      guard stream.isPlain else { return breakOff("\(reason)") }
      sayRefused(reason)
      return breakOff("\(reason)", reset: false)
    }
    worker.refusedConnections += 1
    worker.connectionRefused()
    refusal = (reason, worker.now + Worker.refusedConnectionMs)
    setDeadline(deadline)
  }

  /// Writes a 503. The kernel takes it, because nothing was written before.
  private func sayRefused(_ reason: StaticString) {
    let response = worker.refusal(503, "\(reason)")
    response.withEncoded(for: .unread(isHEAD: false), date: worker.httpDate()) { encoded in
      let bytes = worker.pool.take(atLeast: encoded.count)
      encoded.write(to: bytes.extend(by: encoded.count))
      worker.counters.add(.bytesOut, max(0, stream.tryWrite(bytes.base, bytes.count)))
      worker.pool.give(bytes)
    }
  }

  /// Ends a connection without an answer.
  func breakOff(_ reason: String, reset: Bool = true) {
    worker.counters.add(.refused)
    worker.logPeer(.info, "\(stream.peer.text): closed, \(reason)", about: reason.hashValue)
    end(reset: reset)
  }
}
