import Testing

@testable import DOGEngine

@Suite struct AgingTableTests {
  @Test func `an index is used again after its element was removed`() {
    var table = AgingTable<String>()
    #expect([table.insert("a"), table.insert("b"), table.insert("c")] == [0, 1, 2])
    table.remove(1)
    #expect(!table.isUsed(1))
    #expect(table.insert("d") == 1)
    #expect(table[1] == "d")
    #expect(!table.ages(1))
    #expect(table.insert("e") == 3)
    table.checkInvariants()
  }

  @Test func `an index that was never used is not used`() {
    let table = AgingTable<String>()
    for index in [-1, 0, 1, Int.max] { #expect(!table.isUsed(index)) }
  }

  @Test(arguments: [(UInt64(0), UInt64(100), true), (1, 100, false), (1, 101, true), (UInt64.max, UInt64.max, false)])
  func `what began to age at 100 is due after so long at such a time`(after: UInt64, now: UInt64, isDue: Bool) {
    var table = AgingTable<Int>()
    let index = table.insert(0)
    #expect(!table.isDue(index, after: after, now: now))
    table.age(index, now: 100)
    #expect(table.isDue(index, after: after, now: now) == isDue)
    #expect(table.firstDue(after: after, now: now) == (isDue ? index : nil))
    #expect(!table.isDue(index, after: 0, now: 99))
  }

  @Test func `the next is due when the oldest is, or never`() {
    var table = AgingTable<Int>()
    #expect(table.nextDue(after: 5) == nil)
    table.age(table.insert(0), now: 100)
    table.age(table.insert(1), now: 200)
    #expect(table.nextDue(after: 5) == 105)
    #expect(table.nextDue(after: UInt64.max - 100) == UInt64.max)
    #expect(table.nextDue(after: UInt64.max - 99) == nil)
  }

  @Test func `a time that goes backwards is taken for that of the newest`() {
    var table = AgingTable<Int>()
    for index in 0..<3 { _ = table.insert(index) }
    table.age(0, now: 100)
    table.age(1, now: 40)
    #expect(!table.isDue(1, after: 1, now: 100))
    table.rejuvenate(0)
    table.age(2, now: 60)
    table.checkInvariants()
    #expect(table.oldest == 1)
    #expect(table.nextDue(after: 0) == 100)
  }

  @Test func `random verbs age as in an array`() throws {
    var random = TestRandom(for: "AgingTableTests")
    var table = AgingTable<Int>()
    var used: Set<Int> = []
    var aging: [(index: Int, since: UInt64)] = []
    for step in 0..<20_000 {
      let now = UInt64(step / 3)
      let index = random.below(40)
      if !used.contains(index) {
        let inserted = table.insert(step)
        try #require(used.insert(inserted).inserted, "DOG_SEED=\(random.seed)")
      } else if random.once(in: 4) {
        table.remove(index)
        used.remove(index)
        aging.removeAll { $0.index == index }
      } else if let place = aging.firstIndex(where: { $0.index == index }) {
        table.rejuvenate(index)
        aging.remove(at: place)
      } else {
        table.age(index, now: now)
        aging.append((index, now))
      }
      table.checkInvariants()
      try #require(table.count == used.count && table.agingCount == aging.count, "DOG_SEED=\(random.seed)")
      let due = aging.first.flatMap { now - $0.since >= 9 ? $0.index : nil }
      try #require(table.firstDue(after: 9, now: now) == due, "DOG_SEED=\(random.seed)")
      try #require(table.nextDue(after: 9) == aging.first.map { $0.since + 9 }, "DOG_SEED=\(random.seed)")
    }
  }
}
