import Testing

@testable import DOGEngine

@Suite struct HostCallsTests {
  private static func shard(_ slot: Int) -> Handle {
    Handle(kind: .shard, engine: 1, worker: 0, slot: slot, generation: 1)
  }

  private static func calls(timersMax: Int = 3, slotsMax: Int = 100) -> HostCalls {
    HostCalls(engine: 1, worker: 0, firstGeneration: 7, timersMax: timersMax, slotsMax: slotsMax)
  }

  @Test func `a call is taken once`() throws {
    var calls = HostCallsTests.calls()
    let handle = try calls.add({ _ in }, for: HostCallsTests.shard(1), isTimer: false)
    #expect(handle.kind == .timer)
    #expect(calls.isWaiting(handle))
    #expect(calls.take(handle)?.handle == handle)
    #expect(calls.take(handle) == nil)
    let cancelled = calls.cancel(handle)
    #expect(!cancelled)
    calls.checkInvariants()
  }

  @Test func `a cancelled call is to be taken still, and has given its place back`() throws {
    var calls = HostCallsTests.calls(timersMax: 1)
    let shard = HostCallsTests.shard(1)
    let first = try calls.add({ _ in }, for: shard, isTimer: true)
    #expect(throws: Status.full) { try calls.add({ _ in }, for: shard, isTimer: true) }
    _ = try calls.add({ _ in }, for: shard, isTimer: false)
    _ = try calls.add({ _ in }, for: HostCallsTests.shard(2), isTimer: true)
    calls.setReminder(5, of: first)
    let (cancelled, again) = (calls.cancel(first), calls.cancel(first))
    #expect(cancelled && !again)
    _ = try calls.add({ _ in }, for: shard, isTimer: true)
    let taken = calls.take(first)
    #expect(taken?.outcome == .cancelled)
    #expect(taken?.reminder == 5)
    calls.checkInvariants()
  }

  @Test func `a Shard that ends has all of its calls taken, in their order, and gets no more until it is forgotten`()
    throws
  {
    var calls = HostCallsTests.calls()
    let shard = HostCallsTests.shard(1)
    let handles = try (0..<5).map { try calls.add({ _ in }, for: shard, isTimer: $0 % 2 == 0) }
    let other = try calls.add({ _ in }, for: HostCallsTests.shard(2), isTimer: true)
    #expect(calls.take(handles[2]) != nil)
    #expect(calls.end(shard).map(\.handle) == [handles[0], handles[1], handles[3], handles[4]])
    #expect(throws: Status.stale) { try calls.add({ _ in }, for: shard, isTimer: false) }
    #expect(calls.isWaiting(other))
    calls.forget(shard)
    _ = try calls.add({ _ in }, for: shard, isTimer: false)
    calls.checkInvariants()
  }

  @Test func `there are only so many slots, and none is used under an old name`() throws {
    var calls = HostCallsTests.calls(slotsMax: 2)
    let shard = HostCallsTests.shard(1)
    let first = try calls.add({ _ in }, for: shard, isTimer: false)
    _ = try calls.add({ _ in }, for: shard, isTimer: false)
    #expect(throws: Status.full) { try calls.add({ _ in }, for: shard, isTimer: false) }
    _ = calls.take(first)
    let next = try calls.add({ _ in }, for: shard, isTimer: false)
    #expect(next.slot == first.slot && next != first)
    #expect(calls.take(first) == nil)
    calls.checkInvariants()
  }

  @Test(arguments: TestRandom.seeds(20))
  func `whatever is asked in whatever order, each call is taken once`(seed: UInt64) {
    var random = TestRandom(seed: seed)
    var calls = HostCallsTests.calls()
    var waiting: [Handle: Int] = [:]
    var ended: Set<Int> = []
    var given = 0
    var taken: Set<Handle> = []
    for _ in 0..<2000 {
      let slot = Int(random.next() % 4)
      switch random.next() % 6 {
      case 0, 1, 2:
        if let handle = try? calls.add({ _ in }, for: HostCallsTests.shard(slot), isTimer: random.next() % 2 == 0) {
          #expect(!ended.contains(slot))
          waiting[handle] = slot
          given += 1
        }
      case 3:
        if let handle = waiting.keys.min(by: { $0.rawValue < $1.rawValue }), let call = calls.take(handle) {
          #expect(taken.insert(call.handle).inserted)
          waiting[handle] = nil
        }
      case 4: if let handle = waiting.keys.max(by: { $0.rawValue < $1.rawValue }) { _ = calls.cancel(handle) }
      default:
        if ended.contains(slot) {
          calls.forget(HostCallsTests.shard(slot))
          ended.remove(slot)
        } else if random.next() % 4 == 0 {
          ended.insert(slot)
          for call in calls.end(HostCallsTests.shard(slot)) {
            #expect(taken.insert(call.handle).inserted)
            #expect(waiting.removeValue(forKey: call.handle) == slot)
          }
          #expect(!waiting.values.contains(slot))
        }
      }
      calls.checkInvariants()
    }
    #expect(calls.count == waiting.count)
    #expect(taken.count + waiting.count == given)
  }
}
