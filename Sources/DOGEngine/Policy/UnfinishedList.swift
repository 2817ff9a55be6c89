/// The messages, heads and bodies on one worker that have begun and not ended, with the bytes that they hold. They
/// stand in the order in which they began, so the one that has taken longest is known at once: each operation is O(1).
/// A value.
struct UnfinishedList {
  private struct Entry {
    var owner = Handle.none
    var sinceMs: UInt64 = 0
    var bytes = 0
    var previous = UnfinishedList.none
    /// The next that began later, or the next free one.
    var next = UnfinishedList.none
  }

  static var none: Int32 { -1 }

  private var entries: ContiguousArray<Entry> = []
  private var first = UnfinishedList.none
  private var last = UnfinishedList.none
  private var free = UnfinishedList.none
  /// Of all of them.
  private(set) var bytes = 0
  private(set) var count = 0

  /// Something begins, and has an entry here until `end` or `takeOldest`. Times come in order.
  mutating func begin(_ owner: Handle, bytes: Int, nowMs: UInt64) -> Int32 {
    var entry = free
    if entry == UnfinishedList.none {
      entry = Int32(truncatingIfNeeded: entries.count)
      entries.append(Entry())
    } else {
      free = entries[Int(entry)].next
    }
    entries[Int(entry)] = Entry(owner: owner, sinceMs: nowMs, bytes: bytes)
    self.bytes += bytes
    count += 1
    link(entry)
    return entry
  }

  /// It holds so much now.
  mutating func set(_ entry: Int32, bytes: Int) {
    self.bytes += bytes - entries[Int(entry)].bytes
    entries[Int(entry)].bytes = bytes
  }

  mutating func end(_ entry: Int32) {
    unlink(entry)
    bytes -= entries[Int(entry)].bytes
    count -= 1
    entries[Int(entry)] = Entry(next: free)
    free = entry
  }

  /// Its time begins anew.
  mutating func renew(_ entry: Int32, nowMs: UInt64) {
    unlink(entry)
    entries[Int(entry)].sinceMs = nowMs
    link(entry)
  }

  func sinceMs(_ entry: Int32) -> UInt64 { entries[Int(entry)].sinceMs }

  /// Takes out the one that began first: its owner has no entry here any more.
  mutating func takeOldest() -> Handle? {
    guard first != UnfinishedList.none else { return nil }
    let owner = entries[Int(first)].owner
    end(first)
    return owner
  }

  private mutating func link(_ entry: Int32) {
    entries[Int(entry)].previous = last
    entries[Int(entry)].next = UnfinishedList.none
    if last == UnfinishedList.none { first = entry } else { entries[Int(last)].next = entry }
    last = entry
  }

  private mutating func unlink(_ entry: Int32) {
    let (previous, next) = (entries[Int(entry)].previous, entries[Int(entry)].next)
    if previous == UnfinishedList.none { first = next } else { entries[Int(previous)].next = next }
    if next == UnfinishedList.none { last = previous } else { entries[Int(next)].previous = previous }
  }

  func checkInvariants() {
    var (index, previous, seen, sum, since) = (first, UnfinishedList.none, 0, 0, 0 as UInt64)
    while index != UnfinishedList.none {
      let entry = entries[Int(index)]
      seen += 1
      precondition(seen <= count, "more than \(count) in the list")
      precondition(entry.previous == previous, "\(index) follows \(entry.previous), and comes after \(previous)")
      precondition(entry.sinceMs >= since, "\(index) began before the one before it")
      sum += entry.bytes
      (since, previous, index) = (entry.sinceMs, index, entry.next)
    }
    precondition(seen == count && previous == last, "\(seen) in the list, \(count) counted")
    precondition(sum == bytes, "\(sum) bytes in the list, \(bytes) counted")
  }
}
