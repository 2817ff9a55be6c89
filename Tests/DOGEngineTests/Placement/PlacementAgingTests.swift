import Testing

@testable import DOGEngine

/// G6: a cluster shrinks as well as grows.
@Suite struct PlacementAgingTests {
  @Test(arguments: [(UInt64(0), false), (59_999, false), (60_000, true), (60_001, true), (UInt64.max / 2, true)])
  func `G6: a Shard is retired once it was empty for idleMs`(age: UInt64, retires: Bool) {
    var cluster = PlacementCluster(limit: 1)
    cluster.placeReady("a")
    cluster.now += 500_000
    #expect(cluster.sweep() == [])
    cluster.release("a", on: 0)
    cluster.now += age
    #expect(cluster.sweep() == (retires ? [0] : []))
    #expect(cluster.placement.shardCount == (retires ? 0 : 1))
  }

  @Test func `G6: a Shard that nobody used ages from when it was ready`() {
    var cluster = PlacementCluster(limit: 1)
    cluster.place("a")
    cluster.release("a", on: 0)
    cluster.now += 50_000
    cluster.ready(0)
    cluster.now += 59_999
    #expect(cluster.sweep() == [])
    cluster.now += 1
    #expect(cluster.sweep() == [0])
  }

  @Test func `G6: a coming Shard is not retired, empty or not`() {
    var cluster = PlacementCluster(limit: 1)
    cluster.place("a")
    cluster.place("b")
    cluster.release("b", on: 1)
    cluster.now += 1_000_000
    #expect(cluster.sweep() == [])
    #expect(cluster.placement.shardCount == 2)
  }

  @Test func `G6: a Shard that is used in between begins to age again`() {
    var cluster = PlacementCluster(limit: 1)
    cluster.placeReady("a")
    cluster.release("a", on: 0)
    cluster.now += 59_999
    cluster.place("b")
    cluster.release("b", on: 0)
    cluster.now += 59_999
    #expect(cluster.sweep() == [])
    cluster.now += 1
    #expect(cluster.sweep() == [0])
  }

  @Test func `G6: only the Shards that were empty long enough go, and their slots are used again`() {
    var cluster = PlacementCluster(limit: 1, counts: [1, 1, 1, 1])
    for shard in [2, 0, 3] {
      cluster.release("\(shard).0", on: shard)
      cluster.now += 30_000
    }
    #expect(cluster.sweep() == [2, 0])
    #expect(cluster.placement.shardCount == 2)
    #expect(cluster.place("3.0") == .shard(3))
    let slots = [cluster.placeReady("x"), cluster.placeReady("y")]
    #expect(slots == [.shard(0), .shard(2)] || slots == [.shard(2), .shard(0)])
    #expect(cluster.place("z") == .full)
  }

  @Test func `G6: a sweep retires and forgets so many at most, the longest empty first, and is due again`() {
    var cluster = PlacementCluster(limit: 1, counts: [1, 1, 1, 1, 1], stickyMs: 1_000, idleMs: 2_000)
    for shard in [4, 0, 3, 1] {
      cluster.release("\(shard).0", on: shard)
      cluster.now += 10
    }
    cluster.now += 10_000
    #expect(cluster.sweep(atMost: 2) == [4, 0])
    #expect(cluster.placement.rememberedCount == 3)
    #expect(cluster.placement.nextSweep.map { $0 <= cluster.now } == true)
    #expect(cluster.sweep(atMost: 2) == [3, 1])
    #expect(cluster.placement.rememberedCount == 1)
    #expect(cluster.placement.nextSweep == nil)
  }

  @Test func `G6: a cluster without Shards remembers nobody and is forgettable`() {
    var cluster = PlacementCluster(limit: 1)
    #expect(cluster.placement.isForgettable)
    cluster.placeReady("a")
    #expect(!cluster.placement.isForgettable)
    cluster.release("a", on: 0)
    #expect(!cluster.placement.isForgettable)
    cluster.now += 60_000
    cluster.sweep()
    #expect(cluster.placement.isForgettable)
    #expect(cluster.placement.nextSweep == nil)
  }

  @Test func `G6: a cluster whose only Shard was abandoned is forgettable`() {
    var cluster = PlacementCluster(limit: 1)
    cluster.place("a")
    cluster.abandon(0)
    #expect(cluster.placement.isForgettable)
    #expect(cluster.placement.nextSweep == nil)
  }

  @Test func `nothing ages while every uid and every Shard has a connection`() {
    var cluster = PlacementCluster()
    #expect(cluster.placement.nextSweep == nil)
    cluster.place("a")
    #expect(cluster.placement.nextSweep == nil)
    cluster.ready(0)
    #expect(cluster.placement.nextSweep == nil)
  }

  @Test func `the next sweep is due when the first of the Shards and uids is`() {
    var cluster = PlacementCluster(limit: 1, stickyMs: 100, idleMs: 70)
    cluster.placeReady("a")
    cluster.placeReady("b")
    let start = cluster.now
    cluster.release("a", on: 0)
    #expect(cluster.placement.nextSweep == start + 70)
    cluster.now += 70
    #expect(cluster.sweep() == [0])
    #expect(cluster.placement.nextSweep == start + 100)
    cluster.now += 29
    cluster.sweep()
    #expect(cluster.placement.rememberedCount == 2)
    cluster.now += 1
    cluster.sweep()
    #expect(cluster.placement.rememberedCount == 1)
    #expect(cluster.placement.nextSweep == nil)
  }

  @Test func `what never comes due does not ask for a sweep`() {
    var cluster = PlacementCluster(limit: 1, stickyMs: UInt64.max, idleMs: UInt64.max)
    cluster.placeReady("a")
    cluster.release("a", on: 0)
    #expect(cluster.placement.nextSweep == nil)
    cluster.now = UInt64.max
    #expect(cluster.sweep() == [])
  }

  @Test func `a clock that goes backwards makes nothing older and traps nowhere`() {
    var cluster = PlacementCluster(limit: 1, counts: [1, 1, 1])
    cluster.release("0.0", on: 0)
    cluster.now = 0
    cluster.release("1.0", on: 1)
    #expect(cluster.sweep() == [])
    #expect(cluster.place("0.0") == .shard(0))
    cluster.now = UInt64.max
    cluster.release("2.0", on: 2)
    cluster.now = 5
    cluster.release("0.0", on: 0)
    #expect(cluster.sweep() == [])
    #expect(cluster.placement.nextSweep == 1_060_000)
    cluster.now = 1_060_000
    #expect(cluster.sweep() == [1])
    #expect(cluster.placement.nextSweep == 1_300_000)
    cluster.now = 1_300_000
    cluster.sweep()
    #expect(cluster.placement.nextSweep == nil)
  }
}
