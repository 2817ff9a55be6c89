// A connection that is not let in: told so, or ended without a word.
extension HTTPConnection {
  var isRefused: Bool { refusal != nil }

  /// Refuses a connection that is not let in: with 503 as soon as it has arrived, and then as patiently as any. Where
  /// too many are waited for already it is told as it goes, if it can be: not before a PROXY header or a handshake.
  func refuseOnArrival(_ reason: StaticString) {
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

  /// Offers the kernel a 503, which it takes: nothing was written before.
  private func sayRefused(_ reason: StaticString) {
    let response = worker.refusal(503, "\(reason)")
    response.body.withUnsafeBytes { body in
      let bytes = worker.pool.take(atLeast: 512 + body.count)
      ResponseEncoder.encode(
        status: 503, headers: response.headers, body: body, for: .unread(isHEAD: false), date: worker.httpDate(),
        into: bytes)
      worker.counters.add(.bytesOut, max(0, stream.tryWrite(bytes.base, bytes.count)))
      worker.pool.give(bytes)
    }
  }

  /// Ends a connection to which nothing more is said.
  func breakOff(_ reason: String, reset: Bool = true) {
    worker.counters.add(.refused)
    worker.logPeer(.info, "\(stream.peer.text): closed, \(reason)", about: reason.hashValue)
    end(reset: reset)
  }
}
