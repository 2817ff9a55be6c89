import Testing

@testable import DOGEngine

/// A million operations on thousands of Shards, each decision held against the naive reference.
@Suite struct PlacementRandomTests {
  @Test(arguments: [PlacementPolicy.leastUtilised, .fullest])
  func `G2 to G6: a million random operations decide as the reference does`(_ policy: PlacementPolicy) throws {
    var run = Run(random: TestRandom(for: "PlacementRandomTests, \(policy)"), policy: policy)
    for step in 0..<(policy == .fullest ? 500_000 : 1_000_000) {
      try run.step(step)
      if step % 20_000 == 0 { run.placement.checkInvariants() }
    }
    try run.end()
    // The run is worth nothing if it never came by one of these.
    for (name, count) in run.seen { #expect(count > 100, "\(name) happened \(count) times") }
    #expect(run.seen.count == 11)
    #expect(run.shardsMost > 2_000)
    #expect(run.shardsLeast < run.shardsMost / 10)
  }

  @Test func `E2: at the most places of a cluster it decides as the reference does, and takes no more`() throws {
    var run = Run(random: TestRandom(for: "PlacementRandomTests, placesMax"), placesMax: 1_500)
    for step in 0..<300_000 {
      try run.step(step)
      #expect(run.placement.total <= 1_500)
      if step % 20_000 == 0 { run.placement.checkInvariants() }
    }
    try run.end()
    #expect(run.counts["atPlacesMax", default: 0] > 1_000)
    #expect(run.shardsLeast < run.shardsMost / 4)
  }

  struct Wrong: Error, CustomStringConvertible {
    let description: String
  }

  private struct Run {
    private static let uids = 20_000

    private let settings: Placement.Settings
    var random: TestRandom
    var placement: Placement
    var reference: PlacementReference
    var now: UInt64 = 12_345
    private let names = (0..<Run.uids).map { PlacementCluster.name("user \($0)") }
    /// Places that were reserved. One whose Shard is gone by now, an abandoned one, is dropped when it is met.
    private var held: [(uid: Int, place: Place, ordinal: Int)] = []
    /// The Shards that clusterize still owes; in no order.
    private var coming: [Int] = []
    private var grows = true

    private(set) var counts: [String: Int] = [:]
    private(set) var shardsMost = 0
    private(set) var shardsLeast = Int.max

    init(
      random: TestRandom, policy: PlacementPolicy = .leastUtilised, placesMax: Int = .max
    ) {
      self.random = random
      settings = Placement.Settings(
        limit: 4, policy: policy, stickyMs: 15_000, stickyMax: 2_500, idleMs: 40_000, shardsMax: 3_000,
        placesMax: placesMax)
      placement = Placement(settings: settings)
      reference = PlacementReference(settings: settings, uids: Run.uids)
    }

    var seen: [String: Int] {
      counts.merging(
        ["returned": reference.returned, "evicted": reference.evicted, "expired": reference.expired]) { $0 + $1 }
    }

    mutating func step(_ step: Int) throws {
      now += UInt64(random.below(8))
      // Tides: the cluster grows until it is full, then shrinks until next to nothing is left.
      if step % 100_000 == 0 { grows = true } else if step % 100_000 == 40_000 { grows = false }
      if random.once(in: 4) { try answer() }
      if random.once(in: 1_000) { try sweep() }
      if random.below(8) < (grows ? 6 : 2) { try place(step) } else { try release() }
      guard placement.total == reference.total, placement.shardCount == reference.shardCount,
        placement.rememberedCount == reference.rememberedCount
      else {
        throw wrong(
          "after step \(step): \(placement.total) places, \(placement.shardCount) Shards, \(placement.rememberedCount)"
            + " uids; should be \(reference.total), \(reference.shardCount), \(reference.rememberedCount)")
      }
      shardsMost = max(shardsMost, placement.shardCount)
      if step > 100_000 { shardsLeast = min(shardsLeast, placement.shardCount) }
    }

    private mutating func place(_ step: Int) throws {
      // Skewed: half of the requests come from a sixteenth of the uids.
      let uid = random.once(in: 2) ? random.below(Run.uids / 16) : random.below(Run.uids)
      let isOneLeft = !random.once(in: 16)
      let decision = placement.place(names[uid], now: now) { isOneLeft }
      let isThorough = step % 32 == 0
      if let expected = reference.objection(
        to: PlacementOutcome(decision), of: uid, now: now, isOneLeft: isOneLeft, thorough: isThorough)
      {
        throw wrong("step \(step): uid \(uid) got \(PlacementOutcome(decision)), should get \(expected)")
      }
      reference.placed(uid, PlacementOutcome(decision), now: now)
      switch decision {
      case .shard(let place): try hold(uid, place, "shard")
      case .waits(let place): try hold(uid, place, "waits")
      case .begins(let place):
        coming.append(place.slot)
        try hold(uid, place, "begins")
      case .full: counts["full", default: 0] += 1
      case .noneLeft: counts["noneLeft", default: 0] += 1
      case .atPlacesMax: counts["atPlacesMax", default: 0] += 1
      }
    }

    private mutating func hold(_ uid: Int, _ place: Place, _ name: String) throws {
      held.append((uid, place, reference.ordinal(place.slot)))
      counts[name, default: 0] += 1
      try check(place.slot)
    }

    private mutating func release() throws {
      while !held.isEmpty {
        held.swapAt(random.below(held.count), held.count - 1)
        let (uid, place, ordinal) = held.removeLast()
        guard reference.ordinal(place.slot) == ordinal else { continue }
        placement.release(place, now: now)
        reference.released(uid, on: place.slot, now: now)
        return try check(place.slot)
      }
    }

    /// clusterize answers for one Shard or another, sometimes with an error.
    private mutating func answer() throws {
      guard !coming.isEmpty else { return }
      coming.swapAt(random.below(coming.count), coming.count - 1)
      let shard = coming.removeLast()
      if random.once(in: 8) {
        placement.abandon(shard, now: now)
        reference.abandoned(shard, now: now)
        counts["abandoned", default: 0] += 1
      } else {
        placement.ready(shard, now: now)
        reference.becameReady(shard, now: now)
        counts["ready", default: 0] += 1
      }
      try check(shard)
    }

    private mutating func sweep() throws {
      let next = placement.nextSweep
      let wasIdle = next.map { $0 > now } ?? true
      let uids = placement.rememberedCount
      let retired = placement.sweep(now: now)
      let expected = reference.swept(now: now)
      guard retired.sorted() == expected else { throw wrong("a sweep retired \(retired), should \(expected)") }
      guard wasIdle == (retired.isEmpty && placement.rememberedCount == uids) else {
        throw wrong("the next sweep was due at \(String(describing: next)), and one at \(now) retired \(retired)")
      }
      counts["retired", default: 0] += retired.count
    }

    private func check(_ shard: Int) throws {
      let count = placement.count(shard)
      guard count == reference.count(shard), count <= settings.limit else {
        throw wrong("Shard \(shard) has \(count) places taken, should have \(reference.count(shard))")
      }
    }

    private func wrong(_ what: String) -> Wrong { Wrong(description: "\(what) (DOG_SEED=\(random.seed))") }

    /// Everybody leaves: nothing may be left.
    mutating func end() throws {
      while !coming.isEmpty { try answer() }
      while placement.total > 0 { try release() }
      placement.checkInvariants()
      now += settings.idleMs
      try sweep()
      guard placement.isForgettable, placement.nextSweep == nil else { throw wrong("something is left at the end") }
      placement.checkInvariants()
    }
  }
}
