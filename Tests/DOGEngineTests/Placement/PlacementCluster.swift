@testable import DOGEngine

/// A decision of Placement with the Shard's slot in the place's stead.
enum PlacementOutcome: Equatable {
  case shard(Int)
  case waits(Int)
  case begins(Int)
  case full
  case noneLeft
  case atPlacesMax

  init(_ decision: Placement.Decision) {
    switch decision {
    case .shard(let place): self = .shard(place.slot)
    case .waits(let place): self = .waits(place.slot)
    case .begins(let place): self = .begins(place.slot)
    case .full: self = .full
    case .noneLeft: self = .noneLeft
    case .atPlacesMax: self = .atPlacesMax
    }
  }
}

extension Placement.Decision {
  /// What was reserved, if anything was.
  var place: Place? {
    switch self {
    case .shard(let place), .waits(let place), .begins(let place): place
    case .full, .noneLeft, .atPlacesMax: nil
    }
  }
}

/// A cluster for the tests of Placement: it has a clock, uids are text, and every verb is followed by the invariants.
struct PlacementCluster {
  private(set) var placement: Placement
  var now: UInt64 = 1_000_000
  /// The places that were reserved, by uid; those of a Shard that was abandoned stay here.
  private var held: [String: [Place]] = [:]

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
  mutating func place(_ uid: String) -> PlacementOutcome {
    defer { placement.checkInvariants() }
    let decision = placement.place(PlacementCluster.name(uid), now: now)
    if let place = decision.place { held[uid, default: []].append(place) }
    return PlacementOutcome(decision)
  }

  /// Places, and has a new Shard ready at once.
  @discardableResult
  mutating func placeReady(_ uid: String) -> PlacementOutcome {
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
    guard let index = held[uid]?.lastIndex(where: { $0.slot == shard }), let place = held[uid]?.remove(at: index) else {
      preconditionFailure("\(uid) has no place on Shard \(shard)")
    }
    placement.release(place, now: now)
    placement.checkInvariants()
  }

  @discardableResult
  mutating func sweep(atMost: Int = .max) -> [Int] {
    defer { placement.checkInvariants() }
    return placement.sweep(now: now, atMost: atMost)
  }
}
