// Deadlines: of the closing handshake, of a silent peer, of an idle socket.
extension WebSocket {
  /// When to look again if this worker has not written to the socket yet, so that the peer cannot be judged.
  private static var lookAgainMs: UInt64 { 1000 }

  /// A reminder, perhaps for something that is over.
  func deadlineCame(_ now: UInt64) {
    guard !hasEnded, now >= remindedAt else { return }
    remindedAt = .max
    if closing.deadlineMs != nil { return lookAtClosing(now) }
    if isUnfinishedTooLate(now) { return }
    if stream.isHeld { isNotSilent() }
    if let watch, options.idleTimeoutMs > 0, now >= watch.messageAt + options.idleTimeoutMs {
      worker.logPeer(.info, "\(stream.peer.text): 1001, it was idle for too long")
      _ = close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
      return
    }
    // Bytes wait because this worker has others to write to: that is not the peer's fault.
    if isDirty { return remind(at: now + WebSocket.lookAgainMs) }
    switch keepAlive.timePassed(nowMs: now, delivered: stream.bytesDelivered, limits) {
    case .none: break
    case .ping:
      sendPing()
      keepAlive.pinged(nowMs: now, delivered: stream.bytesDelivered, upTo: sendingEnd)
    case .giveUp: return giveUpSilent()
    }
    remindNext(now)
  }

  /// Waits while the peer takes what it was sent, and then for its part in the close.
  private func lookAtClosing(_ now: UInt64) {
    if isDirty { return remind(at: now + WebSocket.lookAgainMs) }
    let action = closing.timePassed(
      nowMs: now, delivered: stream.bytesDelivered, end: sendingEnd, options.closeLimits)
    switch action {
    case .report: worker.logPeer(.info, "\(stream.peer.text): closed, it did not close in time")
    case .reset: worker.logPeer(.info, "\(stream.peer.text): reset, it does not read what it was sent")
    case .none, .sendClose, .linger: break
    }
    perform(action)
    if let deadline = closing.deadlineMs { remind(at: deadline) }
  }

  /// Nobody read what the peer has sent since then.
  func wasHeld(since heldSince: UInt64) {
    isNotSilent()
    if unfinished >= 0 { worker.unfinished.renew(unfinished, nowMs: worker.now) }
    watch?.limiter?.cameAtOnce(since: heldSince, nowMs: worker.now)
  }

  /// A peer that is not read from does not count as silent.
  private func isNotSilent() {
    keepAlive.heard(nowMs: worker.now)
    watch?.messageAt = worker.now
  }

  private var limits: KeepAlive.Limits {
    KeepAlive.Limits(
      intervalMs: options.pingIntervalMs, timeoutMs: options.pingTimeoutMs, totalMs: options.sendTotalTimeoutMs)
  }

  private func giveUpSilent() {
    worker.logPeer(.info, "\(stream.peer.text): dropped, it did not answer a ping")
    leave()
    tellError(.timedOut)
    perform(closing.gaveUp())
  }

  /// Sets the next reminder of an open socket, if there is anything to wait for.
  func remindNext(_ now: UInt64) {
    if unfinished >= 0 {
      let due = worker.unfinished.sinceMs(unfinished) + options.messageTimeoutMs
      remind(at: due > now ? due : now + WebSocket.lookAgainMs)
    }
    if let time = keepAlive.nextMs(nowMs: now, limits) { remind(at: time) }
    if let watch, options.idleTimeoutMs > 0 { remind(at: watch.messageAt + options.idleTimeoutMs) }
  }
}
