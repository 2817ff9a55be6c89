/// Where one Gateway's connections go: the whole decision, and nothing else. Rules G2 to G6 hold here.
///
/// A Shard is a slot, a small dense number that the caller maps to its own table and that is used again after the
/// Shard has been retired or abandoned. `place` reserves a `Place`, `release` gives it back, exactly once.
///
///     begins -- ready --> ready -- sweep --> retired
///        `--- abandon --> gone
///
/// DESIGN. One heap ranks all Shards, whatever their state, so its top answers G3 and G4 at once:
///
///     0 ..< limit   ready, with room: how many places are taken     (G3: the least utilised, the oldest of equals;
///                                     or the free places less one, if the policy is the fullest)
///     limit         coming, with room                               (G4: to be waited for, the oldest first)
///     limit + 1     no room                                         (G4: nothing but a new Shard helps)
///
/// A memory names a Shard by slot and ordinal. The ordinals of a cluster never repeat. So a memory of a Shard that is
/// gone matches no other Shard, and no memory has to be searched for when a Shard goes.
struct Placement {
  struct Settings: Equatable {
    /// The most places of one Shard; at least 1.
    var limit: Int
    var policy = PlacementPolicy.leastUtilised
    /// How long a uid is remembered after its last place, and how many such uids at most. 0: not at all.
    var stickyMs: UInt64
    var stickyMax: Int
    /// How long a Shard is empty before it is retired.
    var idleMs: UInt64
    var shardsMax: Int
    /// The most places of all Shards together.
    var placesMax = Int.max
  }

  enum Decision {
    /// The place is on a ready Shard.
    case shard(Place)
    /// The place is on a coming Shard: the request waits until it is ready.
    case waits(Place)
    /// The place is on a new, coming Shard: the caller has it named, then calls `ready` or `abandon`.
    case begins(Place)
    /// No Shard has room and there may not be another. Nothing was reserved.
    case full
    /// The same, but the cluster may have another Shard: the engine has none left for it.
    case noneLeft
    /// All places that the cluster may have are taken. Nothing was reserved.
    case atPlacesMax
  }

  struct Shard {
    enum State {
      case coming
      case ready
    }

    var state: State
    /// Smaller is older.
    let ordinal: UInt64
    var count: Int
  }

  /// What one uid holds on one coming Shard.
  struct Waiting {
    var places: Int
    /// Smaller has waited longer.
    let turn: UInt64
  }

  let settings: Settings
  // Copies: to read one of the settings there, all of them would be copied.
  private let limit: Int
  private let policy: PlacementPolicy
  private let placesMax: Int
  private let idleMs: UInt64

  /// By slot. Those that are ready and empty age.
  private(set) var shards = AgingTable<Shard>()
  private(set) var heap = PlacementHeap()
  private(set) var nextOrdinal: UInt64 = 0
  private(set) var sticky: StickyTable
  /// For each coming Shard, what each entry of `sticky` holds on it: that goes with the Shard when it is abandoned.
  private(set) var waiting: [Int: [Int: Waiting]] = [:]
  private var nextTurn: UInt64 = 0
  /// Places taken, on all Shards.
  private(set) var total = 0
  /// Shards that are coming.
  private(set) var comingCount = 0

  init(settings: Settings) {
    precondition(settings.limit > 0 && settings.limit < Int(UInt32.max) - 1, "limit is \(settings.limit)")
    precondition(settings.shardsMax >= 0 && settings.shardsMax <= Int(Int32.max), "shardsMax is \(settings.shardsMax)")
    self.settings = settings
    limit = settings.limit
    policy = settings.policy
    placesMax = settings.placesMax
    idleMs = settings.idleMs
    sticky = StickyTable(agingMs: settings.stickyMs, agingMax: settings.stickyMax)
  }

  var shardCount: Int { shards.count }

  /// Ready Shards that are empty: the cluster could do without them.
  var emptyCount: Int { shards.agingCount }

  /// How many uids are remembered, with places or without.
  var rememberedCount: Int { sticky.count }

  /// Those without.
  var idleUIDCount: Int { sticky.memories.agingCount }

  /// Places taken on a Shard; 0 for a free slot.
  func count(_ shard: Int) -> Int { shards.isUsed(shard) ? shards[shard].count : 0 }

  /// No Shards and no uids: a Gateway in this state is like a new one.
  var isForgettable: Bool { shards.count == 0 && sticky.count == 0 }

  /// The earliest time at which `sweep` has something to do; nil while nothing ages.
  @inline(__always)
  var nextSweep: UInt64? {
    guard let retires = shards.nextDue(after: idleMs) else { return sticky.nextSweep }
    return sticky.nextSweep.map { min($0, retires) } ?? retires
  }

  /// Reserves a place for a connection of this uid. If that takes one more Shard, which the cluster may have,
  /// `takesOneMore` is asked: the engine limits the Shards of all clusters.
  mutating func place(_ uid: Name, now: UInt64, takesOneMore: () -> Bool = { true }) -> Decision {
    place(uid, found: sticky.find(uid), now: now, takesOneMore: takesOneMore)
  }

  /// The same for a uid that was looked up just before: see `recall`.
  @inline(__always)
  mutating func place(
    _ uid: Name, found: StickyTable.Found, now: UInt64, takesOneMore: () -> Bool = { true }
  ) -> Decision {
    guard total < placesMax else { return .atPlacesMax }
    let shard: Int
    var isNew = false
    if let entry = found.entry, let last = shardWithRoom(remembered: entry, now: now) {
      shard = last
    } else if let top = heap.top, top.rank <= comingRank {
      shard = Int(top.shard)
    } else {
      guard shardCount < settings.shardsMax else { return .full }
      guard takesOneMore() else { return .noneLeft }
      shard = begin()
      isNew = true
    }
    reserve(shard)
    let entry = sticky.take(uid, found: found, shard: shard, ordinal: shards[shard].ordinal)
    let place = Place(uid: uid, slot: shard, entry: entry)
    guard shards[shard].state == .coming else { return .shard(place) }
    wait(entry, for: shard)
    return isNew ? .begins(place) : .waits(place)
  }

  /// Looks a valid uid up: most are remembered, and then their name is there already. (If it did not mutate, it would
  /// be called on a copy.)
  mutating func recall(_ uid: UnsafeRawBufferPointer) -> (uid: Name, found: StickyTable.Found) {
    let found = sticky.find(uid)
    return (found.entry.map { sticky.memories[$0].uid } ?? Name(valid: uid), found)
  }

  /// A coming Shard has come: from now on it may be placed on.
  mutating func ready(_ shard: Int, now: UInt64) {
    precondition(shards[shard].state == .coming, "Shard \(shard) is \(shards[shard].state)")
    shards[shard].state = .ready
    comingCount -= 1
    waiting[shard] = nil
    rank(shard)
    if shards[shard].count == 0 { shards.age(shard, now: now) }
  }

  /// A coming Shard will not come: it goes, and all places on it go with it and are not released again. The caller
  /// answers the requests that waited.
  mutating func abandon(_ shard: Int, now: UInt64) {
    precondition(shards[shard].state == .coming, "Shard \(shard) is \(shards[shard].state)")
    // In turn: which uid is forgotten first must not depend on the order of a dictionary.
    let gone = (waiting.removeValue(forKey: shard) ?? [:]).sorted { $0.value.turn < $1.value.turn }
    for (entry, held) in gone { sticky.give(entry, places: held.places, now: now) }
    total -= shards[shard].count
    comingCount -= 1
    remove(shard)
    forgetIfEmpty()
  }

  /// Gives a place back.
  mutating func release(_ place: Place, now: UInt64) {
    let shard = place.slot
    let isReady = shards[shard].state == .ready
    precondition(shards[shard].count > 0, "Shard \(shard) is \(shards[shard].state) and has no place taken")
    shards[shard].count -= 1
    total -= 1
    rank(shard)
    if isReady {
      if shards[shard].count == 0 { shards.age(shard, now: now) }
    } else {
      stopWaiting(place.entry, for: shard)
    }
    sticky.give(place.entry, now: now)
  }

  /// Retires the Shards that have been empty for `idleMs`, and says which: their slots may be used again at once.
  /// Forgets the uids that have been gone for `stickyMs`. At most `atMost` of each: if more are left, `nextSweep` is
  /// still due.
  mutating func sweep(now: UInt64, atMost: Int = .max) -> [Int] {
    sticky.sweep(now: now, atMost: atMost)
    var retired: [Int] = []
    while retired.count < atMost, let shard = shards.firstDue(after: settings.idleMs, now: now) {
      remove(shard)
      retired.append(shard)
    }
    forgetIfEmpty()
    return retired
  }

  /// Retires the Shard that has been empty for longest, before its time; nil: none is empty.
  mutating func retireOldest() -> Int? {
    guard let shard = shards.oldest else { return nil }
    remove(shard)
    forgetIfEmpty()
    return shard
  }

  /// Forgets the uid that has been gone for longest, before its time.
  mutating func forgetOldestUID() { sticky.forgetOldest() }

  // MARK: From a snapshot

  /// A Shard that was there before: ready, and empty.
  mutating func restore(_ ordinal: UInt64, now: UInt64) -> Int {
    let shard = shards.insert(Shard(state: .ready, ordinal: ordinal, count: 0))
    heap.insert(shard, rank: rankNow(of: shard), ordinal: ordinal)
    shards.age(shard, now: now)
    return shard
  }

  mutating func restoreNextOrdinal(_ ordinal: UInt64) { nextOrdinal = ordinal }

  /// The uid was on this Shard last.
  mutating func remember(_ uid: Name, on shard: Int, now: UInt64) {
    let entry = sticky.take(uid, found: sticky.find(uid), shard: shard, ordinal: shards[shard].ordinal)
    sticky.give(entry, now: now)
  }

  // MARK: Deciding

  /// The rank of a coming Shard with room.
  private var comingRank: UInt32 { UInt32(truncatingIfNeeded: limit) }

  /// G2: the Shard that a memory names, if it is still there and has room.
  @inline(__always)
  private func shardWithRoom(remembered entry: Int, now: UInt64) -> Int? {
    // Field by field: a copy of the memory would count a reference to its uid.
    let shard = Int(sticky.memories[entry].shard)
    guard shards.isUsed(shard), shards[shard].ordinal == sticky.memories[entry].ordinal,
      shards[shard].count < limit,
      sticky.isValid(entry, now: now)
    else { return nil }
    return shard
  }

  private mutating func begin() -> Int {
    let shard = shards.insert(Shard(state: .coming, ordinal: nextOrdinal, count: 0))
    heap.insert(shard, rank: comingRank, ordinal: nextOrdinal)
    nextOrdinal += 1
    comingCount += 1
    return shard
  }

  private mutating func reserve(_ shard: Int) {
    if shards[shard].count == 0, shards[shard].state == .ready { shards.rejuvenate(shard) }
    shards[shard].count += 1
    total += 1
    rank(shard)
  }

  /// Puts a Shard where its state and count belong.
  private mutating func rank(_ shard: Int) { heap.update(shard, rank: rankNow(of: shard)) }

  /// Inlined, as the others that only look: else they are called on a copy.
  @inline(__always)
  func rankNow(of shard: Int) -> UInt32 {
    let count = shards[shard].count
    if count >= limit { return comingRank + 1 }
    if shards[shard].state == .coming { return comingRank }
    switch policy {
    case .leastUtilised: return UInt32(truncatingIfNeeded: count)
    case .fullest: return UInt32(truncatingIfNeeded: limit - 1 - count)
    }
  }

  private mutating func wait(_ entry: Int, for shard: Int) {
    waiting[shard, default: [:]][entry, default: Waiting(places: 0, turn: nextTurn)].places += 1
    nextTurn += 1
  }

  private mutating func stopWaiting(_ entry: Int, for shard: Int) {
    guard let places = waiting[shard]?[entry]?.places else {
      preconditionFailure("entry \(entry) does not wait for Shard \(shard)")
    }
    if places > 1 { waiting[shard]?[entry]?.places -= 1 } else { waiting[shard]?[entry] = nil }
  }

  private mutating func remove(_ shard: Int) {
    heap.remove(shard)
    shards.remove(shard)
  }

  /// Without Shards every memory names a Shard that is gone. To begin anew also frees what a large cluster took.
  private mutating func forgetIfEmpty() {
    if shards.count == 0, shards.indexEnd > 0 { self = Placement(settings: settings) }
  }
}
