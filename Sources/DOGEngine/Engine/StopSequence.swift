/// Decides the phases of a stop (rule E3). A value; worker 0 keeps it and does what it says.
///
///     idle -> draining (no new connections; requests answered, sockets closed with 1001)
///          -> winding (no connection is left: Shards get onstop)
///          -> exiting (the loops end)
///
/// When the grace is over while draining, what is left is reset, once.
struct StopSequence {
  enum Action: Equatable {
    case nothing
    case drainAll
    case abortAll
    case windDownAll
    case exitAll
  }

  private enum Phase { case idle, draining, winding, exiting }

  private var phase = Phase.idle
  private var acknowledged = 0
  private var hasAborted = false
  private(set) var deadline: UInt64 = .max

  /// A stop was asked for; of several deadlines the earliest holds.
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
      phase = .exiting
      return .exitAll
    }
  }

  /// True while a passed deadline would do something.
  var hasDeadline: Bool { phase == .draining && !hasAborted }

  mutating func timePassed(now: UInt64) -> Action {
    guard hasDeadline, now >= deadline else { return .nothing }
    hasAborted = true
    return .abortAll
  }
}
