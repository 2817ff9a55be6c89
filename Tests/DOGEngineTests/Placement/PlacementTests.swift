import Testing

@testable import DOGEngine

/// G3, G4 and G5: the least utilised Shard, a new one when none has room, and never too many on one.
@Suite struct PlacementTests {
  @Test(
    arguments: [
      ([0], 0), ([3], 0), ([0, 0, 0], 0), ([1, 0, 0], 1), ([1, 1, 0], 2), ([2, 1, 1], 1), ([4, 3], 1), ([3, 4], 0),
      ([4, 4, 3], 2), ([3, 2, 1, 0], 3), ([3, 2, 1, 2, 1], 2), ([4, 4, 4, 4, 0, 4, 0], 4),
    ])
  func `G3: a new uid goes to the least utilised Shard with room, the oldest of equals`(counts: [Int], shard: Int) {
    var cluster = PlacementCluster(limit: 4, counts: counts)
    #expect(cluster.place("new") == .shard(shard))
  }

  @Test(
    arguments: [
      ([0], 0), ([0, 0, 0], 0), ([0, 1, 0], 1), ([1, 1, 0], 0), ([1, 2, 2], 1), ([4, 3], 1), ([4, 0, 2, 3, 4, 3], 3),
      ([4, 4, 4, 1], 3), ([3, 2, 1, 0], 0),
    ])
  func `G3: with the policy fullest a new uid goes to the fullest Shard with room, the oldest of equals`(
    counts: [Int], shard: Int
  ) {
    var cluster = PlacementCluster(limit: 4, counts: counts, policy: .fullest)
    #expect(cluster.place("new") == .shard(shard))
  }

  @Test func `G3: with a limit of two the policy fullest leaves no two waiting on two Shards`() {
    var random = TestRandom(for: "matchmaking")
    var cluster = PlacementCluster(limit: 2, policy: .fullest, stickyMs: 0)
    var placed: [(uid: String, shard: Int)] = []
    for step in 0..<2_000 {
      guard case .shard(let shard) = cluster.placeReady("u\(step)") else { continue }
      placed.append(("u\(step)", shard))
      let alone = Dictionary(grouping: placed, by: \.shard).values.count { $0.count == 1 }
      #expect(alone <= 1, "\(alone) wait alone (DOG_SEED=\(random.seed))")
      // A pair has played, and both leave.
      if random.once(in: 2) || placed.count > 60 {
        let leaving = placed[random.below(placed.count)].shard
        for (uid, shard) in placed where shard == leaving { cluster.release(uid, on: shard) }
        placed.removeAll { $0.shard == leaving }
      }
    }
  }

  @Test func `G3: many new uids fill the Shards evenly, in order of age`() {
    var cluster = PlacementCluster(limit: 3, counts: Array(repeating: 0, count: 50))
    for round in 0..<3 {
      for shard in 0..<50 { #expect(cluster.place("new \(round) \(shard)") == .shard(shard)) }
    }
    #expect(cluster.place("new") == .full)
  }

  @Test func `G3: age goes by when a Shard was made, not by its slot`() {
    var cluster = PlacementCluster(limit: 1, counts: [0, 1, 1])
    cluster.now += 60_000
    #expect(cluster.sweep() == [0])
    #expect(cluster.placeReady("x") == .shard(0))
    cluster.release("x", on: 0)
    cluster.release("2.0", on: 2)
    #expect(cluster.place("new") == .shard(2))
    #expect(cluster.place("newer") == .shard(0))
  }

  @Test func `G3: a coming Shard is nobody's while a ready one has room`() {
    var cluster = PlacementCluster(limit: 2)
    cluster.placeReady("a")
    cluster.place("b")
    #expect(cluster.place("c") == .begins(1))
    cluster.release("a", on: 0)
    #expect(cluster.place("d") == .shard(0))
    #expect(cluster.place("e") == .waits(1))
  }

  @Test func `G3: a Shard that was ready is placed on`() {
    var cluster = PlacementCluster(limit: 2)
    #expect(cluster.place("a") == .begins(0))
    cluster.ready(0)
    #expect(cluster.place("b") == .shard(0))
  }

  @Test func `G4: requests that fit the coming Shard wait for it, and the next begins another`() {
    var cluster = PlacementCluster(limit: 3)
    let decisions = (0..<7).map { cluster.place("\($0)") }
    #expect(
      decisions == [.begins(0), .waits(0), .waits(0), .begins(1), .waits(1), .waits(1), .begins(2)])
    cluster.ready(1)
    #expect(cluster.place("7") == .waits(2))
  }

  @Test func `G4: of several coming Shards with room the oldest is waited for`() {
    var cluster = PlacementCluster(limit: 1)
    for shard in 0..<4 { #expect(cluster.place("\(shard)") == .begins(shard)) }
    for shard in [3, 1, 2] { cluster.release("\(shard)", on: shard) }
    for shard in [1, 2, 3] { #expect(cluster.place("new \(shard)") == .waits(shard)) }
    #expect(cluster.place("new") == .begins(4))
  }

  @Test func `G4: a place that a client gave up while it waited is the next one's`() {
    var cluster = PlacementCluster(limit: 2, shardsMax: 1)
    cluster.place("a")
    cluster.place("b")
    #expect(cluster.place("c") == .full)
    cluster.release("a", on: 0)
    #expect(cluster.place("c") == .waits(0))
  }

  @Test(arguments: [0, 1, 3])
  func `G4: no more Shards are made than shardsMax, those that are coming included`(shardsMax: Int) {
    var cluster = PlacementCluster(limit: 1, shardsMax: shardsMax)
    for shard in 0..<shardsMax { #expect(cluster.place("\(shard)") == .begins(shard)) }
    let total = cluster.placement.total
    #expect(cluster.place("new") == .full)
    #expect(cluster.placement.total == total)
    #expect(cluster.placement.shardCount == shardsMax)
  }

  @Test func `G4: after clusterize failed the next request begins anew`() {
    var cluster = PlacementCluster(limit: 2, shardsMax: 1)
    for _ in 0..<3 {
      #expect(cluster.place("a") == .begins(0))
      #expect(cluster.place("b") == .waits(0))
      #expect(cluster.place("c") == .full)
      cluster.abandon(0)
      #expect(cluster.placement.total == 0)
      #expect(cluster.placement.shardCount == 0)
    }
  }

  @Test func `G5: counts are the places reserved and not yet released, coming Shard or ready`() {
    var cluster = PlacementCluster(limit: 3)
    for uid in ["a", "a", "b"] { cluster.place(uid) }
    #expect(cluster.placement.count(0) == 3)
    cluster.release("a", on: 0)
    cluster.ready(0)
    #expect(cluster.placement.count(0) == 2)
    cluster.release("b", on: 0)
    cluster.release("a", on: 0)
    #expect(cluster.placement.count(0) == 0)
    #expect(cluster.placement.total == 0)
    #expect(cluster.placement.count(1) == 0)
  }

  @Test func `G5: an abandoned Shard takes its own places along and no other`() {
    var cluster = PlacementCluster(limit: 3)
    for uid in ["a", "b", "c"] { cluster.placeReady(uid) }
    for uid in ["a", "a", "d"] { cluster.place(uid) }
    cluster.release("a", on: 1)
    cluster.abandon(1)
    #expect(cluster.placement.total == 3)
    // What a holds on Shard 0 is still there to be released.
    for uid in ["a", "b", "c"] { cluster.release(uid, on: 0) }
    #expect(cluster.placement.total == 0)
  }

  @Test func `G5: a uid may wait for several coming Shards, and each takes along what waited for it`() {
    var cluster = PlacementCluster(limit: 2)
    for _ in 0..<6 { cluster.place("a") }
    cluster.abandon(1)
    #expect(cluster.placement.total == 4)
    cluster.ready(0)
    cluster.abandon(2)
    #expect(cluster.placement.total == 2)
    cluster.release("a", on: 0)
    cluster.release("a", on: 0)
    #expect(cluster.placement.total == 0)
  }

  @Test func `G5: a place released twice trips an assertion`() async {
    await #expect(processExitsWith: .failure) {
      var cluster = PlacementCluster(limit: 2)
      cluster.placeReady("a")
      cluster.placeReady("b")
      cluster.release("a", on: 0)
      cluster.release("a", on: 0)
    }
  }
}
