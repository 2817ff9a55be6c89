/// Whether a peer is still there. A peer that was silent for an interval is pinged, and given up if it does not answer
/// within a timeout.
///
/// A ping waits in the outbox and then in the kernel, behind all that was sent before it. Until it has arrived, a peer
/// that takes what is before it is alive, however slowly. So the timeout runs only when the ping has arrived, or while
/// nothing arrives. Bytes sent after the ping prove nothing: the room in its buffers would keep a peer that hangs. A
/// peer that takes a byte at a time is kept no longer than the total.
struct KeepAlive {
  struct Limits {
    /// 0: nobody is pinged.
    let intervalMs: UInt64
    let timeoutMs: UInt64
    /// From a ping to its answer, however much arrives in between.
    let totalMs: UInt64
  }

  enum Action: Equatable {
    case none
    /// To be sent, then `pinged`.
    case ping
    case giveUp
  }

  private var heardAt: UInt64
  /// Since when the timeout runs, while a ping is unanswered; else `.max`. Milliseconds cannot tell which came first if
  /// a peer answers at once, so anything that is heard ends the wait.
  private var waitingSince = UInt64.max
  /// When it was pinged, while that is unanswered.
  private var pingedAt: UInt64 = 0
  /// While a ping is unanswered: how many bytes had been delivered when the timeout began, and how many are when the
  /// ping is among them.
  private var delivered = 0
  private var pingEnd = 0

  init(nowMs: UInt64) { heardAt = nowMs }

  @inline(__always)
  mutating func heard(nowMs: UInt64) {
    heardAt = nowMs
    waitingSince = .max
  }

  /// A ping was queued: it is delivered with the last of the first `end` bytes.
  mutating func pinged(nowMs: UInt64, delivered: Int, upTo end: Int) {
    waitingSince = nowMs
    pingedAt = nowMs
    self.delivered = delivered
    pingEnd = end
  }

  mutating func timePassed(nowMs: UInt64, delivered now: @autoclosure () -> Int, _ limits: Limits) -> Action {
    guard limits.intervalMs > 0 else { return .none }
    guard waitingSince != .max else { return nowMs >= heardAt + limits.intervalMs ? .ping : .none }
    if nowMs >= pingedAt + limits.totalMs { return .giveUp }
    if delivered < pingEnd {
      let now = now()
      if now > delivered {
        delivered = now
        waitingSince = nowMs
        return .none
      }
    }
    return nowMs >= waitingSince + limits.timeoutMs ? .giveUp : .none
  }

  /// When `timePassed` may have something to do next; nil: never.
  func nextMs(nowMs: UInt64, _ limits: Limits) -> UInt64? {
    guard limits.intervalMs > 0 else { return nil }
    guard waitingSince != .max else { return heardAt + limits.intervalMs }
    // If an answer comes at once, the next ping may be due before this one's deadline.
    let next = waitingSince + min(limits.intervalMs, limits.timeoutMs)
    return min(nowMs < next ? next : waitingSince + limits.timeoutMs, pingedAt + limits.totalMs)
  }
}
