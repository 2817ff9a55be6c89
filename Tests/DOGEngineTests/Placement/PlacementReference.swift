@testable import DOGEngine

/// What Placement should decide, kept naively: Shards are looked through one by one, nothing is ranked, nothing is
/// linked. uids are small numbers here.
struct PlacementReference {
  struct Shard {
    let ordinal: Int
    var isReady = false
    /// Who holds its places, in the order in which they came.
    var holders: [Int] = []
    var emptySince: UInt64?
  }

  struct Memory {
    var places: Int
    var shard: Int
    var ordinal: Int
    var since: UInt64
    /// Which of its agings this is: an older one in `agings` is void.
    var aging: Int
  }

  let settings: Placement.Settings
  private(set) var shards: [Shard?] = []
  /// By slot: the places taken on a ready Shard, -1 for any other. Apart from `shards`, so that looking through it is
  /// cheap.
  private var readyCounts: [Int] = []
  private(set) var coming: Set<Int> = []
  private(set) var shardCount = 0
  private(set) var total = 0
  /// How many ready Shards have so many places taken.
  private var readyWithCount: [Int]
  private var made = 0

  private(set) var memories: [Memory?]
  private(set) var rememberedCount = 0
  private var agingCount = 0
  private var agings: [(uid: Int, aging: Int)] = []
  private var agingsStart = 0

  /// How often each thing happened, for the test to see that it did.
  private(set) var returned = 0
  private(set) var evicted = 0
  private(set) var expired = 0

  init(settings: Placement.Settings, uids: Int) {
    self.settings = settings
    memories = Array(repeating: nil, count: uids)
    readyWithCount = Array(repeating: 0, count: settings.limit + 1)
  }

  /// Nil if the decision is right, else what it should have been. `thorough` looks at every Shard for the oldest of
  /// equals; without it any of the least utilised will do.
  func objection(
    to decision: PlacementOutcome, of uid: Int, now: UInt64, isOneLeft: Bool, thorough: Bool
  ) -> String? {
    if total >= settings.placesMax { return decision == .atPlacesMax ? nil : "at placesMax" }
    if let last = lastShard(of: uid, now: now) {
      let expected: PlacementOutcome = coming.contains(last) ? .waits(last) : .shard(last)
      return decision == expected ? nil : "\(expected), where it was last"
    }
    let withReadyRoom = readyWithCount.dropLast()
    let wanted =
      switch settings.policy {
      case .leastUtilised: withReadyRoom.firstIndex(where: { $0 > 0 })
      case .fullest: withReadyRoom.lastIndex(where: { $0 > 0 })
      }
    if let wanted {
      guard case .shard(let shard) = decision, count(shard) == wanted, !coming.contains(shard) else {
        return "a ready Shard with \(wanted) places taken"
      }
      guard thorough else { return nil }
      let oldest = oldestReady(withCount: wanted)
      return shard == oldest ? nil : "Shard \(oldest), the oldest with \(wanted) places taken"
    }
    let withRoom = coming.filter { count($0) < settings.limit }
    if let oldest = withRoom.min(by: { ordinal($0) < ordinal($1) }) {
      return decision == .waits(oldest) ? nil : "to wait for Shard \(oldest)"
    }
    if shardCount < settings.shardsMax {
      if !isOneLeft { return decision == .noneLeft ? nil : "none left" }
      guard case .begins(let shard) = decision, !isShard(shard), shard >= 0, shard < settings.shardsMax else {
        return "a new Shard in a free slot"
      }
      return nil
    }
    return decision == .full ? nil : "full"
  }

  func count(_ shard: Int) -> Int { isShard(shard) ? shards[shard]?.holders.count ?? 0 : 0 }

  func isShard(_ shard: Int) -> Bool { shard >= 0 && shard < shards.count && shards[shard] != nil }

  func ordinal(_ shard: Int) -> Int { isShard(shard) ? shards[shard]?.ordinal ?? -1 : -1 }

  private func oldestReady(withCount count: Int) -> Int {
    var best = -1
    var bestOrdinal = Int.max
    var slot = 0
    while slot < readyCounts.count {
      if readyCounts[slot] == count, ordinal(slot) < bestOrdinal {
        best = slot
        bestOrdinal = ordinal(slot)
      }
      slot += 1
    }
    return best
  }

  private func lastShard(of uid: Int, now: UInt64) -> Int? {
    guard let memory = memories[uid], memory.places > 0 || now - memory.since < settings.stickyMs,
      ordinal(memory.shard) == memory.ordinal, count(memory.shard) < settings.limit
    else { return nil }
    return memory.shard
  }

  // MARK: What happened

  mutating func placed(_ uid: Int, _ decision: PlacementOutcome, now: UInt64) {
    let shard: Int
    switch decision {
    case .full, .noneLeft, .atPlacesMax: return
    case .shard(let slot), .waits(let slot):
      shard = slot
      if let memory = memories[uid], memory.ordinal == ordinal(slot) { returned += 1 }
    case .begins(let slot):
      shard = slot
      while shards.count <= slot {
        shards.append(nil)
        readyCounts.append(-1)
      }
      shards[slot] = Shard(ordinal: made)
      made += 1
      shardCount += 1
      coming.insert(slot)
    }
    change(shard) { $0.holders.append(uid) }
    total += 1
    var memory = memories[uid] ?? Memory(places: 0, shard: 0, ordinal: 0, since: 0, aging: 0)
    if memories[uid] == nil { rememberedCount += 1 } else if memory.places == 0 { agingCount -= 1 }
    memory.aging += 1
    memory.places += 1
    memory.shard = shard
    memory.ordinal = ordinal(shard)
    memories[uid] = memory
  }

  mutating func becameReady(_ shard: Int, now: UInt64) {
    coming.remove(shard)
    shards[shard]?.isReady = true
    if count(shard) == 0 { shards[shard]?.emptySince = now }
    readyWithCount[count(shard)] += 1
    readyCounts[shard] = count(shard)
  }

  mutating func abandoned(_ shard: Int, now: UInt64) {
    coming.remove(shard)
    let holders = shards[shard]?.holders ?? []
    shards[shard] = nil
    shardCount -= 1
    total -= holders.count
    var gone: Set<Int> = []
    for uid in holders where gone.insert(uid).inserted {
      for holder in holders where holder == uid { letGo(holder, now: now) }
    }
    forgetAllWithoutShards()
  }

  mutating func released(_ uid: Int, on shard: Int, now: UInt64) {
    change(shard) { shard in
      if let index = shard.holders.lastIndex(of: uid) { shard.holders.remove(at: index) }
      if shard.isReady, shard.holders.isEmpty { shard.emptySince = now }
    }
    total -= 1
    letGo(uid, now: now)
  }

  /// The Shards that a sweep retires now, in slot order.
  mutating func swept(now: UInt64) -> [Int] {
    while agingsStart < agings.count {
      let (uid, aging) = agings[agingsStart]
      if let memory = memories[uid], memory.aging == aging {
        guard now - memory.since >= settings.stickyMs else { break }
        forget(uid)
        expired += 1
      }
      agingsStart += 1
    }
    let retired = shards.indices.filter { slot in
      guard let since = shards[slot]?.emptySince else { return false }
      return now - since >= settings.idleMs
    }
    for slot in retired {
      shards[slot] = nil
      readyCounts[slot] = -1
      readyWithCount[0] -= 1
      shardCount -= 1
    }
    forgetAllWithoutShards()
    return retired
  }

  private mutating func change(_ slot: Int, _ body: (inout Shard) -> Void) {
    guard var shard = shards[slot] else { return }
    shards[slot] = nil
    if shard.isReady { readyWithCount[shard.holders.count] -= 1 }
    shard.emptySince = nil
    body(&shard)
    if shard.isReady {
      readyWithCount[shard.holders.count] += 1
      readyCounts[slot] = shard.holders.count
    }
    shards[slot] = shard
  }

  private mutating func letGo(_ uid: Int, now: UInt64) {
    guard var memory = memories[uid] else { return }
    memory.places -= 1
    if memory.places == 0 {
      memory.since = now
      memory.aging += 1
      agings.append((uid, memory.aging))
      agingCount += 1
    }
    memories[uid] = memory
    while agingCount > settings.stickyMax {
      let (oldest, aging) = agings[agingsStart]
      agingsStart += 1
      guard let memory = memories[oldest], memory.aging == aging else { continue }
      forget(oldest)
      evicted += 1
    }
    if agingsStart > 100_000 {
      agings.removeFirst(agingsStart)
      agingsStart = 0
    }
  }

  private mutating func forget(_ uid: Int) {
    memories[uid] = nil
    rememberedCount -= 1
    agingCount -= 1
  }

  private mutating func forgetAllWithoutShards() {
    guard shardCount == 0 else { return }
    for uid in memories.indices { memories[uid] = nil }
    rememberedCount = 0
    agingCount = 0
    agings = []
    agingsStart = 0
  }
}
