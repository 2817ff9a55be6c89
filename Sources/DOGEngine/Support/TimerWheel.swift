/// The deadlines of everything on one worker, kept coarsely: one timer of the loop serves them all.
///
/// DESIGN. A ring of slots, one a tick. A deadline stands in the slot of the first tick at or after it, so it is
/// never early and at most one tick late, and putting it there looks at nothing else. Past the horizon (ticks times
/// slots) the ring wraps: such a deadline is met once a round, found to be early, and stays.
///
/// There is no renewal. A token comes out exactly once for each time that it was put in, unless it is removed. Its
/// owner then looks whether that deadline still holds, and puts the token in again if it has moved. So activity on a
/// connection, which moves its deadline with every message, costs an assignment and no operation on the wheel. `remove`
/// is for tokens that may be put in and given up any number of times before they are due. Each verb but `advance` is
/// O(1).
///
/// A clock that stands still or goes backwards is harmless: nothing comes out until it has passed where it was.
struct TimerWheel {
  private struct Node {
    var token: UInt64
    var deadline: UInt64
    /// The next in the same slot, or the next free one.
    var next: Int32
    /// The one before it in the same slot; in the first of a slot, that slot (see `first`).
    var previous: Int32
  }

  /// No token: what a free node has.
  private static var noToken: UInt64 { 0 }

  private static var none: Int32 { -1 }

  private let tickMs: UInt64
  /// Slots less one; the number of slots is a power of two.
  private let mask: Int
  /// The first node of each slot, and a bit for each slot that has one.
  private var slots: ContiguousArray<Int32>
  private var occupied: ContiguousArray<UInt64>
  private var nodes: ContiguousArray<Node> = []
  private var freeNode = TimerWheel.none
  /// The last tick whose slot was looked at. What waits stands in the slots of the ticks after it.
  private var tick: UInt64 = 0
  private(set) var count = 0

  init(tickMs: UInt64 = 64, slots: Int = 1024) {
    precondition(tickMs > 0, "a tick of 0 ms")
    precondition(slots >= 64 && slots & (slots - 1) == 0, "\(slots) slots: not a power of two from 64")
    self.tickMs = tickMs
    mask = slots - 1
    self.slots = ContiguousArray(repeating: TimerWheel.none, count: slots)
    occupied = ContiguousArray(repeating: 0, count: slots / 64)
  }

  var isEmpty: Bool { count == 0 }

  /// What the first node of a slot has in `previous`: neither a node nor none.
  private static func first(of slot: Int) -> Int32 { Int32(-2 - slot) }

  /// Puts a token in, which is not 0. One whose deadline has passed already comes out at the next tick. Returns where
  /// it is, for `remove`.
  @discardableResult
  mutating func insert(_ token: UInt64, at deadline: UInt64, now: UInt64) -> Int {
    // An empty wheel has nothing for the ticks since the last advance: it begins anew from `now`.
    if count == 0 { tick = now / tickMs }
    let due = max(deadline / tickMs + (deadline % tickMs == 0 ? 0 : 1), tick &+ 1)
    let slot = self.slot(of: due)
    let node = takeNode()
    let next = slots[slot]
    nodes[node] = Node(token: token, deadline: deadline, next: next, previous: TimerWheel.first(of: slot))
    if next != TimerWheel.none { nodes[Int(next)].previous = Int32(node) }
    slots[slot] = Int32(node)
    occupied[slot / 64] |= 1 << UInt64(slot % 64)
    count += 1
    return node
  }

  /// Takes a token out again. Does nothing if the token has come out already: its node may be another's by now.
  mutating func remove(_ token: UInt64, at node: Int) {
    guard node < nodes.count, nodes[node].token == token, token != TimerWheel.noToken else { return }
    let (previous, next) = (nodes[node].previous, nodes[node].next)
    if previous >= 0 {
      nodes[Int(previous)].next = next
    } else {
      let slot = Int(-2 - previous)
      slots[slot] = next
      if next == TimerWheel.none { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
    }
    if next != TimerWheel.none { nodes[Int(next)].previous = previous }
    free(node)
  }

  private mutating func free(_ node: Int) {
    nodes[node].token = TimerWheel.noToken
    nodes[node].next = freeNode
    freeNode = Int32(node)
    count -= 1
  }

  /// Appends every token that is due to `due`, in no order.
  mutating func advance(to now: UInt64, into due: inout [UInt64]) {
    let last = now / tickMs
    guard last > tick else { return }
    // After a round every slot has been looked at.
    var steps = min(last - tick, UInt64(mask) + 1)
    var next = tick
    tick = last
    while steps > 0, count > 0 {
      next += 1
      steps -= 1
      collect(slot(of: next), now: now, into: &due)
    }
  }

  /// When to advance next; nil while the wheel is empty. A deadline past the horizon makes this early, once a round.
  func nextDue(after now: UInt64) -> UInt64? {
    guard count > 0 else { return nil }
    let (due, wraps) = tick.addingReportingOverflow(UInt64(distance(from: slot(of: tick &+ 1))) + 1)
    let (time, overflows) = due.multipliedReportingOverflow(by: tickMs)
    return wraps || overflows ? UInt64.max : max(time, now)
  }

  private func slot(of tick: UInt64) -> Int { Int(truncatingIfNeeded: tick) & mask }

  /// How many slots after `start`, round the ring, the first stands that is not empty. There must be one.
  private func distance(from start: Int) -> Int {
    var word = start / 64
    var bits = occupied[word] & (UInt64.max << UInt64(start % 64))
    // One more than the words there are: what precedes `start` in its own word comes last.
    for _ in 0...occupied.count {
      if bits != 0 { return (word * 64 + bits.trailingZeroBitCount - start) & mask }
      word = word + 1 == occupied.count ? 0 : word + 1
      bits = occupied[word]
    }
    preconditionFailure("\(count) tokens wait and no slot has one")
  }

  /// Takes what is due out of a slot.
  private mutating func collect(_ slot: Int, now: UInt64, into due: inout [UInt64]) {
    var node = slots[slot]
    var kept = TimerWheel.none
    while node != TimerWheel.none {
      let index = Int(node)
      let next = nodes[index].next
      if nodes[index].deadline <= now {
        due.append(nodes[index].token)
        free(index)
      } else {
        nodes[index].next = kept
        nodes[index].previous = TimerWheel.first(of: slot)
        if kept != TimerWheel.none { nodes[Int(kept)].previous = node }
        kept = node
      }
      node = next
    }
    slots[slot] = kept
    if kept == TimerWheel.none { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
  }

  private mutating func takeNode() -> Int {
    guard freeNode != TimerWheel.none else {
      nodes.append(Node(token: TimerWheel.noToken, deadline: 0, next: TimerWheel.none, previous: TimerWheel.none))
      return nodes.count - 1
    }
    let node = Int(freeNode)
    freeNode = nodes[node].next
    return node
  }

  func checkInvariants() {
    var waiting = 0
    for (slot, first) in slots.enumerated() {
      let bit = occupied[slot / 64] >> UInt64(slot % 64) & 1
      precondition((first != TimerWheel.none) == (bit == 1), "slot \(slot) begins with \(first) and its bit is \(bit)")
      var node = first
      var previous = TimerWheel.first(of: slot)
      while node != TimerWheel.none {
        precondition(nodes[Int(node)].previous == previous, "node \(node) points back to another")
        previous = node
        waiting += 1
        precondition(waiting <= count, "more than \(count) tokens wait")
        node = nodes[Int(node)].next
      }
    }
    precondition(waiting == count, "\(waiting) tokens wait, \(count) counted")
  }
}
