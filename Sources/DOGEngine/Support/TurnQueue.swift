/// What waits for the end of a turn, first come, first served. What one turn does not get to stays in front.
///
/// A ring in memory of its own: an array checks on each change whether it is shared.
struct TurnQueue<Element>: ~Copyable {
  private static var capacityMin: Int { 64 }
  /// The storage is kept for the next turns, unless a turn was unusually large.
  private static var capacityKept: Int { 65_536 }

  /// A power of two, or 0 before the first element.
  private var capacity = 0
  /// From `head` on, `count` elements are initialized; they go on at the beginning behind the end.
  private var ring: UnsafeMutablePointer<Element>?
  /// The first that waits.
  private var head = 0
  private(set) var count = 0

  deinit {
    for offset in 0..<count { place(offset)?.deinitialize(count: 1) }
    ring?.deallocate()
  }

  var isEmpty: Bool { count == 0 }
  var first: Element? { isEmpty ? nil : place(0)?.pointee }

  @inline(__always)
  private func place(_ offset: Int) -> UnsafeMutablePointer<Element>? {
    ring.map { $0 + (head &+ offset) & (capacity &- 1) }
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow() }
    place(count)?.initialize(to: element)
    count &+= 1
  }

  @inline(__always)
  mutating func popFirst() -> Element? {
    guard count > 0, let element = place(0)?.move() else { return nil }
    head = (head &+ 1) & (capacity &- 1)
    count &-= 1
    if count == 0, capacity > TurnQueue.capacityKept { letGo() }
    return element
  }

  @inline(never)
  private mutating func grow() {
    let larger = max(capacity * 2, TurnQueue.capacityMin)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    for offset in 0..<count {
      if let place = place(offset) { (moved + offset).moveInitialize(from: place, count: 1) }
    }
    ring?.deallocate()
    ring = moved
    capacity = larger
    head = 0
  }

  @inline(never)
  private mutating func letGo() {
    ring?.deallocate()
    ring = nil
    capacity = 0
    head = 0
  }
}
