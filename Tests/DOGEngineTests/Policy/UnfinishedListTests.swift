import Testing

@testable import DOGEngine

@Suite struct UnfinishedListTests {
  private func handle(_ slot: Int) -> Handle {
    Handle(kind: .socket, engine: 1, worker: 0, slot: slot, generation: 1)
  }

  @Test func `the oldest is the one that began first, however much the others hold`() {
    var list = UnfinishedList()
    let places = (0..<3).map { list.begin(handle($0), bytes: 10, nowMs: UInt64($0)) }
    list.set(places[2], bytes: 1000)
    #expect(list.bytes == 1020 && list.count == 3 && list.sinceMs(places[1]) == 1)
    list.renew(places[0], nowMs: 5)
    #expect(list.takeOldest() == handle(1))
    #expect(list.takeOldest() == handle(2))
    #expect(list.bytes == 10)
    #expect(list.takeOldest() == handle(0))
    #expect(list.takeOldest() == nil && list.bytes == 0 && list.count == 0)
  }

  /// Against a twin that keeps them in an array.
  @Test(arguments: TestRandom.seeds(200))
  func `any operations: bytes, order and places are as in an array`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    var list = UnfinishedList()
    var twin: [(owner: Handle, place: Int32, since: UInt64, bytes: Int)] = []
    var now: UInt64 = 0
    for step in 0..<200 {
      now += UInt64.random(in: 0...3, using: &random)
      let index = twin.isEmpty ? 0 : Int.random(in: 0..<twin.count, using: &random)
      let bytes = Int.random(in: 0...1000, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1: twin.append((handle(step), list.begin(handle(step), bytes: bytes, nowMs: now), now, bytes))
      case 2 where !twin.isEmpty:
        list.set(twin[index].place, bytes: bytes)
        twin[index].bytes = bytes
      case 3 where !twin.isEmpty: list.end(twin.remove(at: index).place)
      case 4 where !twin.isEmpty:
        list.renew(twin[index].place, nowMs: now)
        var renewed = twin.remove(at: index)
        renewed.since = now
        twin.append(renewed)
      case 5:
        let oldest = list.takeOldest()
        #expect(oldest == twin.first?.owner, "seed \(seed)")
        if !twin.isEmpty { twin.removeFirst() }
      default: break
      }
      list.checkInvariants()
      #expect(list.count == twin.count && list.bytes == twin.reduce(0) { $0 + $1.bytes }, "seed \(seed)")
      for entry in twin { #expect(list.sinceMs(entry.place) == entry.since, "seed \(seed)") }
    }
  }
}
