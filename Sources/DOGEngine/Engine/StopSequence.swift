/// Decides the phases of a stop (rule E3). A value; worker 0 keeps it and carries out its actions.
///
///     idle -> draining (no new connections; requests answered, sockets closed with 1001)
///          -> winding (no connection is left: Shards get onstop)
///          -> settling (nothing begins any more; what workers still owe one another arrives)
///          -> exiting (the loops end)
///
/// When the grace is over while draining, what is left is reset, once.
struct StopSequence {
  enum Action: Equatable {
    case nothing
    case drainAll
    case abortAll
    case windDownAll
    case settleAll
    case exitAll
  }

  private enum Phase { case idle, draining, winding, settling, exiting }

  private var phase = Phase.idle
  private var acknowledged = 0
  private var hasAborted = false
  private(set) var deadline: UInt64 = .max

  /// A stop was asked for; the earliest of several deadlines holds.
  mutating func begin(deadline: UInt64) -> Action {
    self.deadline = min(self.deadline, deadline)
    guard phase == .idle else { return .nothing }
    phase = .draining
    return .drainAll
  }

  /// One worker has done its part of the phase that runs, or the last connection may be gone.
  mutating func advance(acknowledging: Int, workers: Int, connections: Int) -> Action {
    acknowledged += acknowledging
    guard acknowledged == workers else { return .nothing }
    switch phase {
    case .idle, .exiting: return .nothing
    case .draining:
      guard connections == 0 else { return .nothing }
      phase = .winding
      acknowledged = 0
      return .windDownAll
    case .winding:
      phase = .settling
      acknowledged = 0
      return .settleAll
    case .settling:
      phase = .exiting
      return .exitAll
    }
  }

  /// True while there is a deadline that would do something.
  var hasDeadline: Bool { phase == .draining && !hasAborted }

  mutating func timePassed(now: UInt64) -> Action {
    guard hasDeadline, now >= deadline else { return .nothing }
    hasAborted = true
    return .abortAll
  }
}
