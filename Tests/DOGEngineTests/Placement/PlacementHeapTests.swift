import Testing

@testable import DOGEngine

@Suite struct PlacementHeapTests {
  @Test func `an empty heap has no top`() {
    var heap = PlacementHeap()
    #expect(heap.top == nil)
    heap.insert(7, rank: 1, ordinal: 1)
    heap.remove(7)
    #expect(heap.top == nil)
    #expect(!heap.contains(7))
  }

  @Test func `Shards come out by rank, then by age`() {
    var heap = PlacementHeap()
    let expected = [(0, 9), (0, 11), (1, 2), (1, 3), (2, 1)]
    for (shard, index) in [3, 0, 4, 1, 2].enumerated() {
      heap.insert(shard, rank: UInt32(expected[index].0), ordinal: UInt64(expected[index].1))
    }
    for (rank, ordinal) in expected {
      #expect(heap.top.map { Int($0.rank) } == rank)
      #expect(heap.top.map { Int($0.ordinal) } == ordinal)
      if let top = heap.top { heap.remove(Int(top.shard)) }
      heap.checkInvariants()
    }
  }

  @Test func `random inserts, updates and removals keep the best at the top`() throws {
    var random = TestRandom(for: "PlacementHeapTests")
    var heap = PlacementHeap()
    var reference: [Int: (rank: UInt32, ordinal: UInt64)] = [:]
    for step in 0..<20_000 {
      let shard = random.below(60)
      let rank = UInt32(random.below(5))
      if reference[shard] == nil {
        heap.insert(shard, rank: rank, ordinal: UInt64(step))
        reference[shard] = (rank, UInt64(step))
      } else if random.once(in: 3) {
        heap.remove(shard)
        reference[shard] = nil
      } else {
        heap.update(shard, rank: rank)
        reference[shard]?.rank = rank
      }
      heap.checkInvariants()
      let best = reference.min { ($0.value.rank, $0.value.ordinal) < ($1.value.rank, $1.value.ordinal) }
      try #require(heap.count == reference.count)
      try #require(heap.top.map { Int($0.shard) } == best?.key, "step \(step), DOG_SEED=\(random.seed)")
    }
  }
}
