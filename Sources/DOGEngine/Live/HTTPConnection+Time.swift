// The connection has three independent deadlines, and one reminder at the first of them:
//
// - `deadline`: what the client or the host has to do next;
// - `sendingDue`: whether the client takes what it was sent, while something of that is on its way;
// - `refusal.until`: when a connection that was not let in must be over.
extension HTTPConnection {
  /// How long a client may wait for an answer after it has sent its FIN and taken all that was sent to it.
  private static let halfClosedMs: UInt64 = 1000

  private var sendLimits: SendProgress.Limits { options.sendLimits }
  private var closeLimits: SendProgress.Limits { options.closeLimits }

  func setDeadline(_ wanted: UInt64) {
    deadline = wanted
    remindNext()
  }

  private func remindNext() {
    let time = min(deadline, sendingDue, refusal?.until ?? .max)
    guard time < remindedAt else { return }
    remindedAt = time
    worker.remind(handle, at: time)
  }

  /// The host has less time left than the reminder was set for.
  func hasten(_ exchange: Exchange) {
    guard isWaiting(for: exchange), !isHalfClosed else { return }
    setDeadline(exchange.deadline)
  }

  func deadlineCame(_ now: UInt64) {
    // This reminder was for a deadline that has been renewed: the one that counts is still to come.
    guard now >= remindedAt else { return }
    remindedAt = .max
    if case .gone = state { return }
    if let until = refusal?.until, now >= until { return refusalEnds() }
    if now >= sendingDue { lookAtSending(now) }
    if case .waiting(let exchange) = state, !isHalfClosed { deadline = exchange.deadline }
    if now >= deadline { timeIsUp(now) }
    if case .gone = state { return }
    remindNext()
  }

  private func timeIsUp(_ now: UInt64) {
    switch state {
    // The engine does not read now (the loop holds, or the client's responses wait to be read), so nothing can come in
    // time.
    case .arriving where stream.isHeld, .reading where stream.isHeld || !ahead.isEmpty:
      setDeadline(now + options.headerTimeoutMs)
    case .arriving: breakOff("the handshake did not end in time")
    case .reading:
      guard parser.phase == .idle else { return refuse(408, "the request did not come in time") }
      // A client that still takes its responses is not idle.
      guard !isAllDelivered else { return end() }
      watchSending()
      setDeadline(now + options.keepaliveTimeoutMs)
    case .waiting(let exchange):
      if isHalfClosed { return lookAtHalfClosed(now) }
      worker.logPeer(.warn, "\(exchange.request.summary): 503, the host did not answer in time")
      exchange.abandon()
      respond(worker.refusal(503, "the host did not answer in time"), to: exchange)
    case .streaming: isHalfClosed ? lookAtHalfClosed(now) : setDeadline(.max)
    case .leaving, .finishing: setDeadline(.max)
    case .lingering(let wait): lookAtLingering(wait, now)
    case .gone: break
    }
  }

  private func refusalEnds() {
    if case .arriving = state { return breakOff("the handshake did not end in time") }
    end(reset: !isAllDelivered)
  }

  // MARK: What was sent

  /// The client's system has acknowledged everything.
  var isAllDelivered: Bool { isAllWritten && stream.bytesDelivered >= stream.bytesGiven }

  /// The position behind the last byte that waits.
  private var sendingEnd: Int { stream.bytesGiven + outbox.bytesToGive }

  private func progressNow() -> SendProgress {
    SendProgress(nowMs: worker.now, delivered: stream.bytesDelivered, end: sendingEnd)
  }

  /// Something was sent. From time to time it is looked whether the client takes it, until it has all.
  func watchSending() {
    guard sendingDue == .max else { return }
    if sending == nil { sending = progressNow() }
    sendingDue = worker.now + SendProgress.stepMs(sendLimits)
    remindNext()
  }

  private func lookAtSending(_ now: UInt64) {
    // Bytes wait because this worker has others to write to: that is not the client's fault.
    guard !isDirty else { return sendingDue = now + SendProgress.stepMs(sendLimits) }
    sendingDue = .max
    guard var sent = sending else { return }
    let verdict = sent.look(nowMs: now, delivered: stream.bytesDelivered, end: sendingEnd, sendLimits)
    sending = sent
    switch verdict {
    case .wait(let untilMs): sendingDue = untilMs
    case .idle: if !isHalfClosed { sending = nil }
    case .stalled, .overdue: resetUnread()
    }
  }

  /// The client has not taken its bytes in time.
  private func resetUnread() {
    if case .streaming(let response) = state {
      worker.logPeer(.info, "\(response.ticket.exchange.request.summary): reset, it does not take its response")
      return end(reset: true, because: .slow)
    }
    worker.logPeer(.info, "\(stream.peer.text): reset, it does not read what it is sent")
    end(reset: true)
  }

  // MARK: A client that has ended its side

  /// The client sends nothing more.
  var isHalfClosed: Bool { peerEnded || peerEndsUnread }

  func hangsUp(isLost: Bool) {
    switch state {
    // The host still gets what the client sent before, as soon as it takes events again.
    case .reading where stream.isHeld: break
    case .waiting where !isLost, .streaming where !isLost:
      peerEndsUnread = true
      becameHalfClosed()
    case .arriving, .reading, .waiting, .streaming, .leaving, .finishing, .lingering: if isLost { end() }
    case .gone: break
    }
  }

  /// The client may have closed for good, or wait for its answer with its own side closed (RFC 9112, section 9.6). It
  /// still gets what it was sent before, and an answer that comes soon.
  func becameHalfClosed() {
    sending = progressNow()
    setDeadline(min(deadline, worker.now + HTTPConnection.halfClosedMs))
  }

  private func lookAtHalfClosed(_ now: UInt64) {
    var sent = sending ?? progressNow()
    let verdict = sent.look(nowMs: now, delivered: stream.bytesDelivered, end: sendingEnd, sendLimits)
    sending = sent
    switch verdict {
    case .wait: setDeadline(now + HTTPConnection.halfClosedMs)
    case .idle(let sinceMs):
      let until = sinceMs + HTTPConnection.halfClosedMs
      now >= until ? end() : setDeadline(until)
    case .stalled, .overdue: resetUnread()
    }
  }

  // MARK: Lingering

  /// Everything is written, and our FIN is sent.
  func linger() {
    let wait = CloseWait(sending ?? progressNow(), nowMs: worker.now, closeLimits)
    sending = nil
    sendingDue = .max
    state = .lingering(wait)
    setDeadline(wait.dueMs)
  }

  private func lookAtLingering(_ before: CloseWait, _ now: UInt64) {
    var wait = before
    switch wait.look(nowMs: now, delivered: stream.bytesDelivered, end: stream.bytesGiven, closeLimits) {
    case .wait:
      state = .lingering(wait)
      setDeadline(wait.dueMs)
    case .close: end()
    case .reset: resetUnread()
    }
  }
}
