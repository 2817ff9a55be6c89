import Testing

@testable import DOGEngine

/// G9: what makes room, in the order in which it goes.
@Suite struct RoomLedgerTests {
  private static func handle(_ number: Int) -> Handle {
    Handle(kind: .gateway, engine: 1, worker: 0, slot: number, generation: 1)
  }

  @Test func `G9: of several empty Gateways the one that has been empty longest goes first`() {
    var ledger = RoomLedger()
    let indices = (0..<3).map { ledger.enter(RoomLedgerTests.handle($0)) }
    #expect(ledger.longestEmpty == nil && ledger.emptySince == nil)
    for (time, number) in [2, 0, 1].enumerated() {
      ledger.note(indices[number], RoomLedger.Holding(isEmpty: true), now: UInt64(10 + time))
    }
    #expect(ledger.longestEmpty == RoomLedgerTests.handle(2))
    #expect(ledger.emptySince == 10)
    // Somebody has come to it, and left.
    ledger.note(indices[2], RoomLedger.Holding(), now: 20)
    #expect(ledger.longestEmpty == RoomLedgerTests.handle(0))
    ledger.note(indices[2], RoomLedger.Holding(isEmpty: true), now: 30)
    ledger.leave(indices[0])
    #expect(ledger.longestEmpty == RoomLedgerTests.handle(1))
    ledger.leave(indices[1])
    #expect(ledger.longestEmpty == RoomLedgerTests.handle(2))
    ledger.checkInvariants()
  }

  @Test func `G9: what is remembered goes first where clients have not left for longest`() {
    var ledger = RoomLedger()
    let indices = (0..<2).map { ledger.enter(RoomLedgerTests.handle($0)) }
    ledger.note(indices[0], RoomLedger.Holding(emptyShards: 1, idleUIDs: 5), now: 1)
    ledger.note(indices[1], RoomLedger.Holding(emptyShards: 1, idleUIDs: 1), now: 2)
    #expect(ledger.firstWithIdleUIDs == RoomLedgerTests.handle(0))
    // One more has left it: it is in use. One fewer is remembered: that says nothing.
    ledger.note(indices[0], RoomLedger.Holding(emptyShards: 1, idleUIDs: 6), now: 3)
    ledger.note(indices[1], RoomLedger.Holding(emptyShards: 1, idleUIDs: 1), now: 4)
    #expect(ledger.firstWithIdleUIDs == RoomLedgerTests.handle(1))
    #expect(ledger.firstWithEmptyShards == RoomLedgerTests.handle(0))
    ledger.note(indices[0], RoomLedger.Holding(emptyShards: 2, idleUIDs: 3), now: 5)
    #expect(ledger.firstWithIdleUIDs == RoomLedgerTests.handle(1))
    #expect(ledger.firstWithEmptyShards == RoomLedgerTests.handle(1))
    #expect(ledger.idleUIDs == 4)
    ledger.leave(indices[0])
    #expect(ledger.idleUIDs == 1)
    ledger.checkInvariants()
  }

  @Test func `G9: a hundred thousand random changes keep the order that a naive list has`() {
    var random = TestRandom(for: "RoomLedgerTests")
    var ledger = RoomLedger()
    var indices: [Int: Int] = [:]
    var holdings: [Int: RoomLedger.Holding] = [:]
    /// Numbers of Gateways, the first to go first.
    var empty: [Int] = []
    var shards: [Int] = []
    var uids: [Int] = []
    func move(_ number: Int, _ list: inout [Int], _ amount: Int, _ before: Int) {
      if amount == 0 || amount > before { list.removeAll { $0 == number } }
      if amount > before { list.append(number) }
    }
    for step in 0..<100_000 {
      let number = random.below(40)
      if let index = indices[number] {
        if random.once(in: 20) {
          ledger.leave(index)
          indices[number] = nil
          holdings[number] = nil
          empty.removeAll { $0 == number }
          shards.removeAll { $0 == number }
          uids.removeAll { $0 == number }
        } else {
          let before = holdings[number] ?? RoomLedger.Holding()
          let after = RoomLedger.Holding(
            isEmpty: random.once(in: 2), emptyShards: random.below(4), idleUIDs: random.below(4))
          move(number, &empty, after.isEmpty ? 1 : 0, before.isEmpty ? 1 : 0)
          move(number, &shards, after.emptyShards, before.emptyShards)
          move(number, &uids, after.idleUIDs, before.idleUIDs)
          holdings[number] = after
          ledger.note(index, after, now: UInt64(step))
        }
      } else {
        indices[number] = ledger.enter(RoomLedgerTests.handle(number))
        holdings[number] = RoomLedger.Holding()
      }
      let isRight =
        ledger.longestEmpty == empty.first.map(RoomLedgerTests.handle)
        && ledger.firstWithEmptyShards == shards.first.map(RoomLedgerTests.handle)
        && ledger.firstWithIdleUIDs == uids.first.map(RoomLedgerTests.handle)
        && ledger.idleUIDs == holdings.values.reduce(0) { $0 + $1.idleUIDs } && ledger.count == indices.count
      guard isRight else {
        Issue.record("after step \(step) (DOG_SEED=\(random.seed))")
        return
      }
      if step % 1_000 == 0 { ledger.checkInvariants() }
    }
  }
}
