/// The closing handshake (RFC 6455, section 7) of one connection, as a value: events in, what to do out. However the
/// events come, there is exactly one report, and it is the last action.
///
///     open --hostCloses--> weClosed --peerCloses--> peerClosed --flushed--> closed
///       |                    | +---------fails----> failed ------flushed--> closed
///       +--peerCloses--> peerClosed
///       +--fails--> failed   |
///       +----------peerEnds--+--> ended --flushed--> closed
///
/// `connectionLost` and `gaveUp` lead from every state to closed, `timePassed` from every state but open. If nothing
/// waits to be sent, a step to peerClosed, failed or ended goes on to closed at once. `peerEnds` in peerClosed and
/// failed is remembered: after the flush nobody is left to wait for.
struct CloseStateMachine {
  /// What the host is told: once, last.
  struct Report: Equatable {
    /// The peer's code, or 1005 if its close frame had none; 1006 when the connection ended without its close frame;
    /// our own code when we failed the connection.
    let code: CloseCode
    let reason: [UInt8]
    /// Both sides' close frames were sent.
    let isClean: Bool
  }

  enum Action: Equatable {
    case none
    /// Queue this close frame behind what waits to be sent; call `flushed` when the outbox is empty.
    case sendClose(code: CloseCode?, reason: [UInt8])
    /// It is over for the host. The connection ends our direction. It reads and throws away what comes until the peer
    /// ends its own, or the wait is over: closing with unread bytes would make the kernel reset the connection, and the
    /// peer might lose our close frame.
    case linger(Report, wait: CloseWait)
    /// The connection is over.
    case report(Report)
    /// Reset the connection; then it is over.
    case reset(Report)
  }

  /// Indirect, so that a connection has one pointer for it: most of the time it is `open`, which allocates nothing.
  private indirect enum State {
    /// No close frame was queued or came.
    case open
    /// Ours is queued; the peer's is awaited.
    case weClosed(wait: CloseWait, isFlushed: Bool)
    /// The peer's close frame came, with this code and reason, and ours is queued: its flush is awaited.
    case peerClosed(CloseCode, reason: [UInt8], wait: CloseWait, hasEnded: Bool)
    /// We failed the connection (section 7.1.7): our close frame is queued, and its flush awaited; what the peer sends
    /// no longer counts.
    case failed(CloseCode, reason: [UInt8], wait: CloseWait, hasEnded: Bool)
    /// The peer ended its direction without a close frame. It may still read: what is queued goes out first.
    case ended(wait: CloseWait)
    /// Reported.
    case closed
  }

  private var state = State.open

  /// True until one of the sides begins to close: messages may be sent.
  var isOpen: Bool {
    if case .open = state { true } else { false }
  }

  /// True while the peer's close frame may come: its frames are to be read.
  var readsFrames: Bool {
    switch state {
    case .open, .weClosed: true
    case .peerClosed, .failed, .ended, .closed: false
    }
  }

  var isClosed: Bool {
    if case .closed = state { true } else { false }
  }

  /// When `timePassed` has something to do; nil when there is nothing to wait for.
  var deadlineMs: UInt64? { wait?.dueMs }

  private var wait: CloseWait? {
    switch state {
    case .open, .closed: nil
    case .weClosed(let wait, _), .ended(let wait): wait
    case .peerClosed(_, _, let wait, _), .failed(_, _, let wait, _): wait
    }
  }

  /// The host closes, or the engine for it. Does nothing unless the connection is open. `wait` begins here, and decides
  /// how it ends if the peer does not do its part.
  mutating func hostCloses(code: CloseCode?, reason: [UInt8] = [], wait: CloseWait) -> Action {
    switch state {
    case .open:
      state = .weClosed(wait: wait, isFlushed: false)
      return .sendClose(code: code, reason: reason)
    case .weClosed, .peerClosed, .failed, .ended, .closed: return .none
    }
  }

  /// The peer's close frame came. It is answered with its own code, unless ours was queued before.
  mutating func peerCloses(code: CloseCode?, reason: [UInt8] = [], wait: CloseWait) -> Action {
    let reported = code ?? .noStatus
    switch state {
    case .open:
      state = .peerClosed(reported, reason: reason, wait: wait, hasEnded: false)
      return .sendClose(code: code, reason: reason)
    case .weClosed(let wait, let isFlushed):
      state = .peerClosed(reported, reason: reason, wait: wait, hasEnded: false)
      return isFlushed ? flushed() : .none
    case .peerClosed, .failed, .ended, .closed: return .none
    }
  }

  /// We fail the connection: the peer broke the protocol, or it cannot be served any longer.
  mutating func fails(code: CloseCode, reason: [UInt8] = [], wait: CloseWait) -> Action {
    switch state {
    case .open:
      state = .failed(code, reason: reason, wait: wait, hasEnded: false)
      return .sendClose(code: code, reason: reason)
    case .weClosed(let wait, let isFlushed):
      // Nothing may follow our close frame, not even a second one.
      state = .failed(code, reason: reason, wait: wait, hasEnded: false)
      return isFlushed ? flushed() : .none
    case .peerClosed, .failed, .ended, .closed: return .none
    }
  }

  /// The outbox is empty: the kernel has all that was queued.
  mutating func flushed() -> Action {
    switch state {
    case .weClosed(let wait, _):
      state = .weClosed(wait: wait, isFlushed: true)
      return .none
    case .peerClosed(let code, let reason, let wait, let hasEnded):
      state = .closed
      // Whatever happens to the connection now, both frames were sent.
      let report = Report(code: code, reason: reason, isClean: true)
      return hasEnded ? .report(report) : .linger(report, wait: wait)
    case .failed(let code, let reason, let wait, let hasEnded):
      state = .closed
      let report = Report(code: code, reason: reason, isClean: false)
      return hasEnded ? .report(report) : .linger(report, wait: wait)
    case .ended: return connectionLost()
    case .open, .closed: return .none
    }
  }

  /// The peer's FIN came: it says nothing more, and may still read. `isFlushed`: nothing waits to be sent.
  mutating func peerEnds(isFlushed: Bool, wait: CloseWait) -> Action {
    switch state {
    case .open where isFlushed, .weClosed where isFlushed: return connectionLost()
    case .open: state = .ended(wait: wait)
    case .weClosed(let wait, _): state = .ended(wait: wait)
    case .peerClosed(let code, let reason, let wait, _):
      state = .peerClosed(code, reason: reason, wait: wait, hasEnded: true)
    case .failed(let code, let reason, let wait, _):
      state = .failed(code, reason: reason, wait: wait, hasEnded: true)
    case .ended, .closed: break
    }
    return .none
  }

  /// The connection is lost, in both directions.
  mutating func connectionLost() -> Action { end().map { .report($0) } ?? .none }

  /// The connection has been looked at: `delivered` and `end` are as in `SendProgress`.
  mutating func timePassed(
    nowMs: UInt64, delivered: Int, end: Int, _ limits: SendProgress.Limits
  ) -> Action {
    guard var wait else { return .none }
    switch wait.look(nowMs: nowMs, delivered: delivered, end: end, limits) {
    case .wait:
      keep(wait)
      return .none
    // The peer's part of the close is missing, and it has nothing to lose.
    case .close: return connectionLost()
    case .reset: return gaveUp()
    }
  }

  private mutating func keep(_ wait: CloseWait) {
    switch state {
    case .open, .closed: break
    case .weClosed(_, let isFlushed): state = .weClosed(wait: wait, isFlushed: isFlushed)
    case .peerClosed(let code, let reason, _, let hasEnded):
      state = .peerClosed(code, reason: reason, wait: wait, hasEnded: hasEnded)
    case .failed(let code, let reason, _, let hasEnded):
      state = .failed(code, reason: reason, wait: wait, hasEnded: hasEnded)
    case .ended: state = .ended(wait: wait)
    }
  }

  /// Nobody waits any longer, whatever the state: the peer is silent, or the engine ends.
  mutating func gaveUp() -> Action { end().map { .reset($0) } ?? .none }

  /// The last report, if our close frame was not flushed; nil if a report was given already.
  private mutating func end() -> Report? {
    defer { state = .closed }
    switch state {
    case .open, .weClosed, .ended: return Report(code: .abnormal, reason: [], isClean: false)
    case .peerClosed(let code, let reason, _, _), .failed(let code, let reason, _, _):
      return Report(code: code, reason: reason, isClean: false)
    case .closed: return nil
    }
  }

  func checkInvariants() {
    switch state {
    case .open, .weClosed, .ended: break
    case .peerClosed(let code, let reason, _, _):
      assert(code == .noStatus || CloseCode.mayBeSent(code.rawValue), "the peer closed with \(code)")
      assert(code != .noStatus || reason.isEmpty, "a reason without a code")
      assert(reason.count <= FrameEncoder.closeReasonMax, "a reason of \(reason.count) bytes")
    case .failed(let code, let reason, _, _):
      assert(CloseCode.mayBeSent(code.rawValue), "failed with \(code)")
      assert(reason.count <= FrameEncoder.closeReasonMax, "a reason of \(reason.count) bytes")
    case .closed: assert(deadlineMs == nil, "closed, and waits")
    }
    assert(isOpen == (deadlineMs == nil && !isClosed), "open exactly when there is no deadline and no end")
  }
}
