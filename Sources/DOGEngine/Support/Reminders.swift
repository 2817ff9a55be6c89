/// What the objects of one worker want to be told, and when: reminders that wait, and those that are due and have not
/// been given yet.
struct Reminders {
  private var wheel = TimerWheel()
  private var due: [UInt64] = []
  /// Those before it have been given.
  private var next = 0

  /// Where to take it back.
  mutating func insert(_ handle: Handle, at time: UInt64, now: UInt64) -> Int {
    wheel.insert(handle.rawValue, at: time, now: now)
  }

  /// Takes a reminder back, if it is not due yet.
  mutating func remove(_ reminder: Int, of handle: Handle) { wheel.remove(handle.rawValue, at: reminder) }

  /// When to call `advance`; nil while nothing waits.
  func nextDue(after now: UInt64) -> UInt64? { wheel.nextDue(after: now) }

  mutating func advance(to now: UInt64) { wheel.advance(to: now, into: &due) }

  /// Gives this one once more, after all that is due already.
  mutating func again(_ handle: Handle) { due.append(handle.rawValue) }

  /// The next that is due. Nil: there is none.
  mutating func popDue() -> Handle? {
    guard next < due.count else {
      due.removeAll(keepingCapacity: due.count <= 65_536)
      next = 0
      return nil
    }
    // Moving down what is left costs no more than what was given.
    if next > 1024, next > due.count / 2 {
      due.removeFirst(next)
      next = 0
    }
    next += 1
    return Handle(rawValue: due[next - 1])
  }
}
