/// How long a connection that we close is waited for: until the peer has all that it was sent, and then for its part of
/// the close. A value.
///
/// Closing while bytes wait throws them away. So that happens only to a peer that takes none for the timeout, or not
/// all within the total. A peer that has everything and does not end its side in time loses nothing by a plain close.
struct CloseWait: Equatable {
  enum Verdict: Equatable {
    /// Look again at `dueMs`.
    case wait
    /// The peer has all that it was sent.
    case close
    /// It does not take what it was sent.
    case reset
  }

  private var sent: SendProgress
  /// When to look next.
  private(set) var dueMs: UInt64

  /// `sent` is new, or goes on from an earlier watch.
  init(_ sent: SendProgress, nowMs: UInt64, _ limits: SendProgress.Limits) {
    self.sent = sent
    dueMs = nowMs + SendProgress.stepMs(limits)
  }

  mutating func look(nowMs: UInt64, delivered: Int, end: Int, _ limits: SendProgress.Limits) -> Verdict {
    guard nowMs >= dueMs else { return .wait }
    switch sent.look(nowMs: nowMs, delivered: delivered, end: end, limits) {
    case .wait(let untilMs): dueMs = untilMs
    case .idle(let sinceMs):
      dueMs = sinceMs + limits.timeoutMs
      if nowMs >= dueMs { return .close }
    case .stalled, .overdue: return .reset
    }
    return .wait
  }
}
