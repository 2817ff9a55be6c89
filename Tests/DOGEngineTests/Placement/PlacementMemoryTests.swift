import Testing

@testable import DOGEngine

/// G2: who was here before goes where it was.
@Suite struct PlacementMemoryTests {
  @Test func `G2: a returning uid goes to its last Shard while that has room`() {
    var cluster = PlacementCluster(limit: 4, counts: [1, 3])
    #expect(cluster.place("1.3") == .shard(1))
  }

  @Test func `G2: a uid with a connection goes to the same Shard with the next`() {
    var cluster = PlacementCluster(limit: 4, counts: [0, 3])
    #expect(cluster.place("1.0") == .shard(1))
  }

  @Test func `G2: a uid whose last Shard is full goes where anybody goes, and that is its last from then on`() {
    var cluster = PlacementCluster(limit: 3, counts: [3, 1, 0])
    #expect(cluster.place("0.0") == .shard(2))
    cluster.release("0.1", on: 0)
    #expect(cluster.place("0.0") == .shard(2))
  }

  @Test func `G2: a refused placement leaves the memory as it was`() {
    var cluster = PlacementCluster(limit: 1, counts: [1, 1])
    #expect(cluster.place("1.0") == .full)
    cluster.release("0.0", on: 0)
    cluster.release("1.0", on: 1)
    #expect(cluster.place("1.0") == .shard(1))
  }

  @Test(arguments: [(UInt64(0), 1), (1, 1), (299_999, 1), (300_000, 0), (300_001, 0), (UInt64.max / 2, 0)])
  func `G2: the memory of a uid outlives its last connection by stickyMs, swept or not`(age: UInt64, shard: Int) {
    for sweeps in [false, true] {
      var cluster = PlacementCluster(limit: 3, counts: [1, 1], idleMs: UInt64.max)
      cluster.place("1.2")
      cluster.now += 77
      cluster.release("1.2", on: 1)
      cluster.now += age
      if sweeps { cluster.sweep() }
      #expect(cluster.place("1.2") == .shard(shard))
    }
  }

  @Test func `G2: a uid ages from the release of its last connection, not from that of an earlier one`() {
    var cluster = PlacementCluster(limit: 4, counts: [2, 1])
    cluster.place("1.0")
    cluster.release("1.0", on: 1)
    cluster.now += 400_000
    cluster.sweep()
    cluster.release("1.0", on: 1)
    cluster.now += 299_999
    #expect(cluster.place("1.0") == .shard(1))
  }

  @Test func `G2: who comes back is young again`() {
    var cluster = PlacementCluster(limit: 4, counts: [1, 1])
    cluster.place("1.3")
    cluster.now += 299_999
    cluster.release("1.3", on: 1)
    cluster.now += 299_999
    cluster.sweep()
    #expect(cluster.place("1.3") == .shard(1))
  }

  @Test func `G2: the uid gone longest is forgotten first when too many are remembered`() {
    var cluster = PlacementCluster(limit: 8, counts: [1, 1], stickyMax: 3)
    for uid in ["a", "b", "c", "d"] { cluster.place(uid) }
    // They were placed on 0, 1, 0, 1: b and d tell by going to 1 that they are remembered, an unknown uid goes to 0.
    for uid in ["b", "a", "c", "d"] { cluster.release(uid, on: uid == "a" || uid == "c" ? 0 : 1) }
    #expect(cluster.placement.rememberedCount == 2 + 3)
    #expect(cluster.place("b") == .shard(0))
    cluster.release("b", on: 0)
    #expect(cluster.place("d") == .shard(1))
  }

  @Test func `G2: who holds a connection is remembered, however many do`() {
    var cluster = PlacementCluster(limit: 50, counts: [40, 40], stickyMax: 1)
    #expect(cluster.placement.rememberedCount == 81)
    cluster.now += 1_000_000_000
    cluster.sweep()
    #expect(cluster.placement.rememberedCount == 80)
    for place in 0..<10 { #expect(cluster.place("1.\(place)") == .shard(1)) }
  }

  @Test(arguments: [(UInt64(0), 100), (300_000, 0), (0, 0), (300_000, -1)])
  func `G2: without stickyMs or without stickyMax nobody is remembered`(stickyMs: UInt64, stickyMax: Int) {
    var cluster = PlacementCluster(limit: 4, counts: [1, 2], stickyMs: stickyMs, stickyMax: stickyMax)
    #expect(cluster.placement.rememberedCount == 3)
    #expect(cluster.place("1.3") == .shard(0))
  }

  @Test func `G2: what is remembered of a retired Shard sends nobody to the next in its slot`() {
    var cluster = PlacementCluster(limit: 2, counts: [1, 0])
    cluster.now += 60_000
    #expect(cluster.sweep() == [1])
    cluster.place("0.1")
    #expect(cluster.placeReady("x") == .shard(1))
    cluster.release("0.1", on: 0)
    // Slot 1 has room and is as full as 0, which is older; 1.0 was last on the Shard that had slot 1 before.
    #expect(cluster.place("1.0") == .shard(0))
  }

  @Test func `G2: what is remembered of an abandoned Shard sends nobody to the next in its slot`() {
    var cluster = PlacementCluster(limit: 2, shardsMax: 2)
    cluster.placeReady("a")
    cluster.place("a")
    #expect(cluster.place("b") == .begins(1))
    cluster.abandon(1)
    #expect(cluster.placeReady("c") == .shard(1))
    cluster.release("a", on: 0)
    #expect(cluster.place("b") == .shard(0))
  }

  @Test func `G2: a uid that waits for a coming Shard waits there with its next request too`() {
    var cluster = PlacementCluster(limit: 2)
    cluster.placeReady("a")
    cluster.place("b")
    #expect(cluster.place("c") == .begins(1))
    cluster.release("b", on: 0)
    #expect(cluster.place("c") == .waits(1))
  }

  @Test func `G2: a uid whose place went with an abandoned Shard ages from then`() {
    var cluster = PlacementCluster(limit: 1, shardsMax: 3)
    cluster.placeReady("a")
    #expect(cluster.place("b") == .begins(1))
    cluster.abandon(1)
    #expect(cluster.placement.rememberedCount == 2)
    #expect(cluster.placement.nextSweep == cluster.now + 300_000)
    cluster.now += 300_000
    cluster.sweep()
    #expect(cluster.placement.rememberedCount == 1)
  }

  @Test func `G2: of those who waited for an abandoned Shard the first to wait is forgotten first`() {
    var cluster = PlacementCluster(limit: 20, stickyMax: 3, shardsMax: 2)
    for _ in 0..<20 { cluster.placeReady("a") }
    for uid in 0..<20 { cluster.place("\(uid)") }
    cluster.abandon(1)
    let remembered = (0..<20).filter { cluster.placement.sticky.find(PlacementCluster.name("\($0)")).entry != nil }
    #expect(remembered == [17, 18, 19])
  }

  @Test func `G2: a uid on several Shards is remembered until the last of them lets it go`() {
    var cluster = PlacementCluster(limit: 1)
    for shard in 0..<3 { #expect(cluster.placeReady("a") == .shard(shard)) }
    for shard in [1, 0, 2] {
      cluster.now += 1_000_000
      #expect(cluster.placement.rememberedCount == 1)
      cluster.release("a", on: shard)
    }
    #expect(cluster.place("a") == .shard(2))
  }
}
