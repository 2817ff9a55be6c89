import Testing

@testable import DOGEngine

@Suite struct PlacementSnapshotTests {
  private static func uid(_ number: Int) throws -> Name { try #require(Name("u\(number)")) }

  private static func settings(_ policy: PlacementPolicy = .leastUtilised) -> Placement.Settings {
    Placement.Settings(limit: 3, policy: policy, stickyMs: 600_000, stickyMax: 10_000, idleMs: 500, shardsMax: 30)
  }

  /// A placement as random operations make it, the places that are held, and the Shards that are coming.
  private static func random(
    _ random: inout TestRandom, _ policy: PlacementPolicy
  ) throws -> (Placement, held: [Place], coming: [Int]) {
    var placement = Placement(settings: settings(policy))
    var held: [Place] = []
    var coming: [Int] = []
    for now in 0..<UInt64(40 + random.below(200)) {
      switch random.below(10) {
      case 0..<5:
        let uid = try uid(random.below(60))
        switch placement.place(uid, now: now * 10) {
        case .shard(let place), .waits(let place): held.append(place)
        case .begins(let place):
          held.append(place)
          coming.append(place.slot)
        case .full, .noneLeft, .atPlacesMax: break
        }
      case 5..<7:
        guard !held.isEmpty else { continue }
        placement.release(held.remove(at: random.below(held.count)), now: now * 10)
      case 7, 8:
        guard !coming.isEmpty else { continue }
        let shard = coming.remove(at: random.below(coming.count))
        if random.below(4) == 0 {
          placement.abandon(shard, now: now * 10)
          held.removeAll { $0.slot == shard }
        } else {
          placement.ready(shard, now: now * 10)
        }
      default: _ = placement.sweep(now: now * 10)
      }
      placement.checkInvariants()
    }
    return (placement, held, coming)
  }

  /// On which Shards, by ordinal, these uids are placed one after another.
  private static func decisions(_ placement: Placement, _ uids: [Name], now: UInt64) -> [UInt64?] {
    var placement = placement
    return uids.map { uid in
      placement.place(uid, now: now).place.map { placement.shards[$0.slot].ordinal }
    }
  }

  @Test(arguments: [PlacementPolicy.leastUtilised, .fullest])
  func `G2 G3: what is restored decides as if all connections had ended`(_ policy: PlacementPolicy) throws {
    var random = TestRandom(for: "PlacementSnapshotTests")
    var restoredShards = 0
    for _ in 0..<500 {
      var (placement, held, coming) = try Self.random(&random, policy)
      let snapshot = placement.snapshot
      for shard in coming { placement.abandon(shard, now: 3000) }
      for place in held where !coming.contains(place.slot) { placement.release(place, now: 3000) }
      let restored = try #require(Placement(settings: placement.settings, restoring: snapshot, now: 3000))
      restored.checkInvariants()
      #expect(restored.total == 0 && restored.shardCount == placement.shardCount)
      #expect(restored.nextOrdinal >= placement.nextOrdinal)
      restoredShards += restored.shardCount
      let uids = try (0..<120).map { _ in try Self.uid(random.below(80)) }
      // A placement without a Shard is a new one, with ordinals from 0 on.
      if placement.shardCount > 0 {
        let seed = random.seed
        #expect(
          Self.decisions(restored, uids, now: 3000) == Self.decisions(placement, uids, now: 3000), "DOG_SEED=\(seed)")
      }
      #expect(restored.snapshot.shards == snapshot.shards)
      #expect(restored.snapshot.memories == snapshot.memories)
    }
    #expect(restoredShards > 500)
  }

  @Test func `G2: a Shard that had not come, and what is remembered of it, are not restored`() throws {
    var placement = Placement(settings: Self.settings())
    #expect(PlacementOutcome(placement.place(try Self.uid(1), now: 0)) == .begins(0))
    placement.ready(0, now: 0)
    for number in 2...3 { #expect(PlacementOutcome(placement.place(try Self.uid(number), now: 0)) == .shard(0)) }
    #expect(PlacementOutcome(placement.place(try Self.uid(4), now: 0)) == .begins(1))
    let snapshot = placement.snapshot
    #expect(snapshot.shards == [0] && snapshot.nextOrdinal == 2)
    #expect(snapshot.memories.map(\.uid) == (try (1...3).map { try Self.uid($0) }))
  }

  @Test func `E2: of more than may be the oldest Shards and the latest uids are restored`() throws {
    var settings = Self.settings()
    settings.shardsMax = 2
    settings.stickyMax = 2
    let snapshot = Placement.Snapshot(
      shards: [3, 5, 9], nextOrdinal: 12,
      memories: try [(1, 3), (2, 9), (3, 5), (4, 3)].map { .init(uid: try Self.uid($0.0), shard: $0.1) })
    let restored = try #require(Placement(settings: settings, restoring: snapshot, now: 7))
    restored.checkInvariants()
    #expect(restored.snapshot.shards == [3, 5])
    #expect(restored.snapshot.memories.map(\.uid) == (try [3, 4].map { try Self.uid($0) }))
  }

  @Test func `E1: what is no snapshot is not restored`() throws {
    let (one, two) = (try Self.uid(1), try Self.uid(2))
    let wrong: [Placement.Snapshot] = [
      .init(shards: [1, 1], nextOrdinal: 2), .init(shards: [2, 1], nextOrdinal: 3), .init(shards: [2], nextOrdinal: 2),
      .init(shards: [1], nextOrdinal: 2, memories: [.init(uid: one, shard: 0)]),
      .init(shards: [1], nextOrdinal: 2, memories: [.init(uid: one, shard: 1), .init(uid: one, shard: 1)]),
    ]
    for snapshot in wrong { #expect(Placement(settings: Self.settings(), restoring: snapshot, now: 0) == nil) }
    let right = Placement.Snapshot(
      shards: [1], nextOrdinal: 2, memories: [.init(uid: one, shard: 1), .init(uid: two, shard: 1)])
    #expect(Placement(settings: Self.settings(), restoring: right, now: 0)?.snapshot == right)
  }
}
