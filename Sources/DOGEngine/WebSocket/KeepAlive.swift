/// Whether a peer is still there. One that was silent for an interval is pinged, and given up when it has not answered
/// within a timeout.
///
/// A ping waits its turn: in the outbox, then in the kernel, behind all that was sent before it. As long as it is on
/// its way, a peer that takes what is before it is alive, however slowly: only when the ping has arrived, or nothing
/// arrives any more, does the timeout run. What is sent after the ping proves nothing, or a peer that hangs would be
/// kept by the room in its buffers.
struct KeepAlive {
  struct Limits {
    /// 0: nobody is pinged.
    let intervalMs: UInt64
    let timeoutMs: UInt64
  }

  enum Action: Equatable {
    case none
    /// To be sent, then `pinged`.
    case ping
    case giveUp
  }

  private var heardAt: UInt64
  /// Since when the timeout runs, while a ping is unanswered. Milliseconds cannot say which of the two came first where
  /// a peer answers at once, so what is heard takes back the ping.
  private var waitingSince: UInt64?
  /// While a ping is unanswered: how many bytes had been delivered when the timeout began, and how many are when the
  /// ping is among them.
  private var delivered = 0
  private var pingEnd = 0

  init(nowMs: UInt64) { heardAt = nowMs }

  @inline(__always)
  mutating func heard(nowMs: UInt64) {
    heardAt = nowMs
    waitingSince = nil
  }

  /// A ping was queued: it is delivered with the last of the first `end` bytes.
  mutating func pinged(nowMs: UInt64, delivered: Int, upTo end: Int) {
    waitingSince = nowMs
    self.delivered = delivered
    pingEnd = end
  }

  mutating func timePassed(nowMs: UInt64, delivered now: @autoclosure () -> Int, _ limits: Limits) -> Action {
    guard limits.intervalMs > 0 else { return .none }
    guard let since = waitingSince else { return nowMs >= heardAt + limits.intervalMs ? .ping : .none }
    if delivered < pingEnd {
      let now = now()
      if now > delivered {
        delivered = now
        waitingSince = nowMs
        return .none
      }
    }
    return nowMs >= since + limits.timeoutMs ? .giveUp : .none
  }

  /// When `timePassed` may have something to do next; nil: never.
  func nextMs(nowMs: UInt64, _ limits: Limits) -> UInt64? {
    guard limits.intervalMs > 0 else { return nil }
    guard let since = waitingSince else { return heardAt + limits.intervalMs }
    // An answer may come at once, and the next ping be due before this one's deadline.
    let next = since + min(limits.intervalMs, limits.timeoutMs)
    return nowMs < next ? next : since + limits.timeoutMs
  }
}
