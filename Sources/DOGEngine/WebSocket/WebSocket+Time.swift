// Deadlines: the end of a closing handshake, the peer's silence, a socket that nobody uses.
extension WebSocket {
  /// A reminder, which may have been meant for something that is over.
  func deadlineCame(_ now: UInt64) {
    guard !hasEnded, now >= remindedAt else { return }
    remindedAt = .max
    if let deadline = closing.deadlineMs {
      guard now >= deadline else { return remind(at: deadline) }
      worker.logPeer(.info, "\(stream.peer.text): reset, it did not close in time")
      perform(closing.timePassed(nowMs: now))
      return
    }
    if stream.isHeld { isNotSilent() }
    if let watch, options.idleTimeoutMs > 0, now >= watch.messageAt + options.idleTimeoutMs {
      worker.logPeer(.info, "\(stream.peer.text): 1001, it was idle for too long")
      _ = close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
      return
    }
    switch keepAlive.timePassed(nowMs: now, delivered: stream.bytesDelivered, limits) {
    case .none: break
    case .ping:
      sendPing()
      keepAlive.pinged(nowMs: now, delivered: stream.bytesDelivered, upTo: stream.bytesGiven + outbox.bytesToGive)
    case .giveUp: return giveUpSilent()
    }
    remindNext(now)
  }

  func streamGoesOn(heldSince: UInt64) {
    isNotSilent()
    watch?.limiter?.cameAtOnce(since: heldSince, nowMs: worker.now)
  }

  /// Who is not listened to is not silent.
  private func isNotSilent() {
    keepAlive.heard(nowMs: worker.now)
    watch?.messageAt = worker.now
  }

  private var limits: KeepAlive.Limits {
    KeepAlive.Limits(intervalMs: options.pingIntervalMs, timeoutMs: options.pingTimeoutMs)
  }

  private func giveUpSilent() {
    worker.logPeer(.info, "\(stream.peer.text): dropped, it did not answer a ping")
    leave()
    tellError(.timedOut)
    perform(closing.gaveUp())
  }

  /// Asks for the next reminder of an open socket, if there is anything to wait for.
  func remindNext(_ now: UInt64) {
    if let time = keepAlive.nextMs(nowMs: now, limits) { remind(at: time) }
    if let watch, options.idleTimeoutMs > 0 { remind(at: watch.messageAt + options.idleTimeoutMs) }
  }
}
