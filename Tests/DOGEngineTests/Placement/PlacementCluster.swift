@testable import DOGEngine

/// A cluster for the tests of Placement: it has a clock, uids are text, and every verb is followed by the invariants.
struct PlacementCluster {
  private(set) var placement: Placement
  var now: UInt64 = 1_000_000

  init(
    limit: Int = 2, policy: PlacementPolicy = .leastUtilised, stickyMs: UInt64 = 300_000, stickyMax: Int = 100,
    idleMs: UInt64 = 60_000, shardsMax: Int = 100
  ) {
    placement = Placement(
      settings: Placement.Settings(
        limit: limit, policy: policy, stickyMs: stickyMs, stickyMax: stickyMax, idleMs: idleMs, shardsMax: shardsMax))
  }

  /// With ready Shards 0, 1, ... that hold so many places each, in order of age. The uids are "0.0", "0.1", "1.0", ...:
  /// the Shard and which of its places.
  init(
    limit: Int, counts: [Int], policy: PlacementPolicy = .leastUtilised, stickyMs: UInt64 = 300_000,
    stickyMax: Int = 100, idleMs: UInt64 = 60_000
  ) {
    self.init(
      limit: limit, policy: policy, stickyMs: stickyMs, stickyMax: stickyMax, idleMs: idleMs, shardsMax: counts.count)
    for shard in counts.indices {
      for place in 0..<limit { placeReady("\(shard).\(place)") }
    }
    for (shard, count) in counts.enumerated() {
      for place in count..<limit { release("\(shard).\(place)", on: shard) }
    }
  }

  static func name(_ uid: String) -> Name {
    guard let name = Name(uid) else { preconditionFailure("\(uid) is not a name") }
    return name
  }

  @discardableResult
  mutating func place(_ uid: String) -> Placement.Decision {
    defer { placement.checkInvariants() }
    return placement.place(PlacementCluster.name(uid), now: now)
  }

  /// Places, and has a new Shard ready at once.
  @discardableResult
  mutating func placeReady(_ uid: String) -> Placement.Decision {
    let decision = place(uid)
    guard case .begins(let shard) = decision else { return decision }
    ready(shard)
    return .shard(shard)
  }

  mutating func ready(_ shard: Int) {
    placement.ready(shard, now: now)
    placement.checkInvariants()
  }

  mutating func abandon(_ shard: Int) {
    placement.abandon(shard, now: now)
    placement.checkInvariants()
  }

  mutating func release(_ uid: String, on shard: Int) {
    placement.release(PlacementCluster.name(uid), on: shard, now: now)
    placement.checkInvariants()
  }

  @discardableResult
  mutating func sweep(atMost: Int = .max) -> [Int] {
    defer { placement.checkInvariants() }
    return placement.sweep(now: now, atMost: atMost)
  }
}
