/// The requests that wait for one coming Shard, in the order in which they came. Each holds a place on it and may leave
/// at any time, from anywhere in the line: every verb is O(1). Lives on the Gateway's home worker.
final class WaitingLine {
  /// What happens to the requests that still stand here.
  enum Outcome {
    /// The Shard is coming.
    case open
    /// The Shard is ready: they are sent on to it.
    case ready
    /// The Shard will not come, and their places are gone with it: each gets this answer.
    case abandoned((Exchange) -> Void)
  }

  /// The Shard's slot in the placement, as long as the Shard exists.
  let slot: Int
  var outcome = Outcome.open
  private var tickets = Line<Ticket>()

  init(slot: Int) { self.slot = slot }

  func forEach(_ body: (Ticket) -> Void) { tickets.forEach(body) }

  func append(_ ticket: Ticket) { tickets.append(ticket) }

  /// The ticket must stand here.
  func remove(_ ticket: Ticket) { tickets.remove(ticket) }

  func popFirst() -> Ticket? { tickets.popFirst() }
}
