/// Elements by a small dense index, which is used again after a removal. Elements that age stand in a list from the
/// oldest to the newest, threaded through the table itself. Every verb is O(1).
///
/// Times never decrease along the list: a time that goes backwards counts as the newest so far. So all that are due
/// stand before all that are not, and a sweep looks at one element more than it takes out.
struct AgingTable<Element> {
  private struct Node {
    /// Nil exactly while the index is free.
    var element: Element?
    /// While free, `older` is the next free index.
    var older: Int32
    /// `absent` exactly while it does not age.
    var newer: Int32
    var since: UInt64
  }

  private var nodes: ContiguousArray<Node> = []
  private var firstFree: Int32 = -1
  private var first: Int32 = -1
  private var last: Int32 = -1
  private(set) var count = 0
  private(set) var agingCount = 0

  private static var none: Int32 { -1 }
  private static var absent: Int32 { -2 }

  /// The element of an index in use.
  subscript(index: Int) -> Element {
    @inline(__always)
    _read { yield nodes[index].element! }
    @inline(__always)
    _modify { yield &nodes[index].element! }
  }

  /// Changes the element of an index in use, which is looked up once.
  @inline(__always)
  mutating func change(_ index: Int, _ change: (inout Element) -> Void) { change(&self[index]) }

  /// One more than the highest index ever in use.
  var indexEnd: Int { nodes.count }

  func isUsed(_ index: Int) -> Bool { index >= 0 && index < nodes.count && nodes[index].element != nil }

  mutating func insert(_ element: Element) -> Int {
    count += 1
    let node = Node(element: element, older: AgingTable.none, newer: AgingTable.absent, since: 0)
    guard firstFree != AgingTable.none else {
      nodes.append(node)
      return nodes.count - 1
    }
    let index = Int(firstFree)
    firstFree = nodes[index].older
    nodes[index] = node
    return index
  }

  /// Frees the index of an element, whether or not it ages.
  mutating func remove(_ index: Int) {
    precondition(nodes[index].element != nil, "\(index) is free already")
    if ages(index) { rejuvenate(index) }
    nodes[index].element = nil
    nodes[index].older = firstFree
    firstFree = Int32(index)
    count -= 1
  }

  /// All elements, in no order.
  func forEach(_ body: (Element) -> Void) {
    for node in nodes { if let element = node.element { body(element) } }
  }

  // MARK: Age

  /// Those that age, the oldest first.
  func forEachAging(_ body: (Element) -> Void) {
    var next = first
    while next != AgingTable.none {
      if let element = nodes[Int(next)].element { body(element) }
      next = nodes[Int(next)].newer
    }
  }

  /// The index that has aged longest.
  var oldest: Int? { first == AgingTable.none ? nil : Int(first) }

  /// Since when; nil if nothing ages.
  var oldestSince: UInt64? { first == AgingTable.none ? nil : nodes[Int(first)].since }

  func ages(_ index: Int) -> Bool { nodes[index].newer != AgingTable.absent }

  /// From now on it ages, as the newest. It must not age yet.
  mutating func age(_ index: Int, now: UInt64) {
    precondition(!ages(index), "\(index) ages already")
    let before = Int(last)
    nodes.withUnsafeMutableBufferPointer { nodes in
      nodes[index].older = last
      nodes[index].newer = AgingTable.none
      nodes[index].since = now
      guard before >= 0 else { return }
      nodes[before].newer = Int32(truncatingIfNeeded: index)
      nodes[index].since = max(now, nodes[before].since)
    }
    if before < 0 { first = Int32(truncatingIfNeeded: index) }
    last = Int32(truncatingIfNeeded: index)
    agingCount &+= 1
  }

  /// It ages no more. It must have aged.
  mutating func rejuvenate(_ index: Int) {
    precondition(ages(index), "\(index) does not age")
    let (older, newer) = (nodes[index].older, nodes[index].newer)
    nodes.withUnsafeMutableBufferPointer { nodes in
      if older != AgingTable.none { nodes[Int(older)].newer = newer }
      if newer != AgingTable.none { nodes[Int(newer)].older = older }
      nodes[index].newer = AgingTable.absent
    }
    if older == AgingTable.none { first = newer }
    if newer == AgingTable.none { last = older }
    agingCount &-= 1
  }

  /// Whether it has aged for `durationMs`.
  func isDue(_ index: Int, after durationMs: UInt64, now: UInt64) -> Bool {
    let since = nodes[index].since
    return ages(index) && now >= since && now - since >= durationMs
  }

  /// The oldest, if it has aged for `durationMs`.
  func firstDue(after durationMs: UInt64, now: UInt64) -> Int? {
    guard let oldest, isDue(oldest, after: durationMs, now: now) else { return nil }
    return oldest
  }

  /// When the oldest will have aged for `durationMs`; nil when nothing ages or it never will.
  func nextDue(after durationMs: UInt64) -> UInt64? {
    guard let oldest else { return nil }
    let (due, overflow) = nodes[oldest].since.addingReportingOverflow(durationMs)
    return overflow ? nil : due
  }

  // MARK: Invariants

  func checkInvariants() {
    var seen = 0
    var before = AgingTable.none
    var since: UInt64 = 0
    var next = first
    while next != AgingTable.none {
      let node = nodes[Int(next)]
      precondition(node.element != nil && node.newer != AgingTable.absent, "\(next) is listed and does not age")
      precondition(node.older == before, "\(next) points back to \(node.older), not \(before)")
      precondition(node.since >= since, "\(next) ages since \(node.since), its elder since \(since)")
      (before, since, next) = (next, node.since, node.newer)
      seen += 1
      precondition(seen <= agingCount, "more than \(agingCount) are listed")
    }
    precondition(before == last, "the list ends with \(before), not \(last)")
    precondition(seen == agingCount, "\(seen) are listed, \(agingCount) counted")
    precondition(nodes.indices.reduce(0) { $0 + (ages($1) ? 1 : 0) } == agingCount, "some age and are not listed")
    precondition(nodes.reduce(0) { $0 + ($1.element == nil ? 0 : 1) } == count, "some are used and not counted")
    var free = 0
    next = firstFree
    while next != AgingTable.none {
      precondition(nodes[Int(next)].element == nil, "\(next) is listed as free and used")
      next = nodes[Int(next)].older
      free += 1
      precondition(free <= nodes.count, "the free ones run in a ring")
    }
    precondition(free + count == nodes.count, "\(free) are free and \(count) used, of \(nodes.count)")
  }
}
