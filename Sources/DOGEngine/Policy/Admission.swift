/// Whether new connections are let in, by how loaded something is: how late a loop is, how much memory is in use. Pure:
/// samples and times in.
///
/// DESIGN. It closes at once when a sample is over the mark. It opens again when every sample for `settleMs` was at
/// most `opensAt`, which is below the mark. Both keep it from flapping: letting everybody in for a moment would only
/// cause the next stall.
struct Admission {
  enum Change: Equatable {
    case closed
    case opened
  }

  let closesAbove: UInt64
  let opensAt: UInt64
  let settleMs: UInt64
  private(set) var isOpen = true
  /// Since when every sample was at most `opensAt`; nil when the last was not. Of interest while it is closed.
  private var calmSince: UInt64?

  init(closesAbove: UInt64, opensAt: UInt64, settleMs: UInt64) {
    self.closesAbove = closesAbove
    self.opensAt = min(opensAt, closesAbove)
    self.settleMs = settleMs
  }

  /// How late a loop is, in milliseconds.
  static func lag(_ markMs: UInt64) -> Admission {
    Admission(closesAbove: markMs, opensAt: markMs / 2, settleMs: 1000)
  }

  /// Resident memory, in bytes. An allocator gives little back even when asked, so the way down is short.
  static func memory(_ markBytes: UInt64) -> Admission {
    Admission(closesAbove: markBytes, opensAt: markBytes - markBytes / 16, settleMs: 1000)
  }

  /// Nil: nothing changed.
  mutating func sample(_ load: UInt64, now: UInt64) -> Change? {
    guard load <= opensAt else {
      calmSince = nil
      guard isOpen, load > closesAbove else { return nil }
      isOpen = false
      return .closed
    }
    guard !isOpen else { return nil }
    // The calm begins here, also if the clock went back.
    guard let since = calmSince, now >= since else {
      calmSince = now
      return nil
    }
    guard now - since >= settleMs else { return nil }
    isOpen = true
    calmSince = nil
    return .opened
  }
}
