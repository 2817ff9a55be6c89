/// Whether a peer takes what it is sent. A value: its owner looks from time to time and says how much has arrived.
///
/// DESIGN. A deadline that measures elapsed time cuts off a peer that reads slowly but steadily, and one that any
/// progress renews is kept for ever by a peer that takes a byte at a time. So there are two:
///
/// - the *timeout* runs while nothing moves, and every byte that arrives begins it anew;
/// - the *total* runs for a lap: all that waits when the lap begins must have arrived when it is over. What is sent
///   meanwhile belongs to the next lap, so a stream may go on for as long as it likes.
///
/// Positions are counts of bytes since the connection began: only their growth means something.
struct SendProgress: Equatable {
  struct Limits: Equatable {
    let timeoutMs: UInt64
    let totalMs: UInt64
  }

  enum Verdict: Equatable {
    /// Something is on its way: to be looked at again by then.
    case wait(untilMs: UInt64)
    /// All has arrived, and nothing has moved since.
    case idle(sinceMs: UInt64)
    /// Nothing has arrived for the timeout although something waits.
    case stalled
    /// The lap's total is over.
    case overdue
  }

  /// What had arrived at the last look that saw it grow.
  private var delivered: Int
  private var movedMs: UInt64
  /// What must have arrived when the lap is over, and when the lap began.
  private var goal: Int
  private var lapMs: UInt64

  /// `end` is the position behind the last byte that waits.
  init(nowMs: UInt64, delivered: Int, end: Int) {
    self.delivered = delivered
    movedMs = nowMs
    goal = end
    lapMs = nowMs
  }

  mutating func look(nowMs: UInt64, delivered now: Int, end: Int, _ limits: Limits) -> Verdict {
    if now > delivered {
      delivered = now
      movedMs = nowMs
    }
    if now >= goal {
      goal = end
      lapMs = nowMs
    }
    guard now < end else { return .idle(sinceMs: movedMs) }
    let stalls = SendProgress.sum(movedMs, limits.timeoutMs)
    let ends = SendProgress.sum(lapMs, limits.totalMs)
    if nowMs >= stalls { return .stalled }
    if nowMs >= ends { return .overdue }
    return .wait(untilMs: min(stalls, ends, SendProgress.sum(nowMs, SendProgress.stepMs(limits))))
  }

  /// The longest time between two looks. Progress is noticed late by as much.
  static func stepMs(_ limits: Limits) -> UInt64 { max(limits.timeoutMs / 4, 1) }

  /// Deadlines are at most days away, but `nowMs` is anything in a test.
  private static func sum(_ time: UInt64, _ duration: UInt64) -> UInt64 {
    let (sum, overflows) = time.addingReportingOverflow(duration)
    return overflows ? .max : sum
  }
}
