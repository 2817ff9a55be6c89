/// What a cluster remembers of each uid: the Shard it was placed on last, and how many places it holds.
///
/// A uid that holds a place is always remembered, so these are bounded by the number of places. A uid that holds none
/// ages from the release of its last place. It is forgotten after `agingMs`; past `agingMax` such uids, the one that
/// has aged longest goes first.
struct StickyTable {
  struct Memory {
    let uid: Name
    /// The Shard of the latest placement, by slot and by age: a slot is used again, an ordinal never.
    var ordinal: UInt64
    var shard: Int32
    let hash: UInt32
    /// It ages exactly while this is 0.
    var places: Int32
  }

  /// What a search for a uid found. An entry is good until its uid is forgotten, which does not happen while it holds a
  /// place.
  struct Found {
    let hash: UInt32
    let entry: Int?
  }

  private let agingMs: UInt64
  private let agingMax: Int

  private var index = NameIndex()
  private(set) var memories = AgingTable<Memory>()

  init(agingMs: UInt64, agingMax: Int) {
    self.agingMs = agingMs
    self.agingMax = agingMs == 0 ? 0 : max(agingMax, 0)
  }

  /// How many uids are remembered.
  var count: Int { memories.count }

  /// The earliest time at which `sweep` has something to forget.
  var nextSweep: UInt64? { memories.nextDue(after: agingMs) }

  func find(_ uid: Name) -> Found { uid.bytes.withUnsafeBytes { find($0) } }

  func find(_ uid: UnsafeRawBufferPointer) -> Found {
    let hash = NameIndex.hash(of: uid)
    return Found(hash: hash, entry: index.find(hash) { memories[$0].uid.isMade(of: uid) })
  }

  /// False from the moment the memory is too old, whether or not a sweep has come by.
  func isValid(_ entry: Int, now: UInt64) -> Bool { !memories.isDue(entry, after: agingMs, now: now) }

  /// The uid that was `found` holds one place more, and this Shard is its latest.
  mutating func take(_ uid: Name, found: Found, shard: Int, ordinal: UInt64) -> Int {
    guard let entry = found.entry else {
      let entry = memories.insert(
        Memory(uid: uid, ordinal: ordinal, shard: Int32(shard), hash: found.hash, places: 1))
      index.insert(found.hash, entry: entry)
      return entry
    }
    if memories[entry].places == 0 { memories.rejuvenate(entry) }
    memories.change(entry) { memory in
      memory.shard = Int32(truncatingIfNeeded: shard)
      memory.ordinal = ordinal
      memory.places += 1
    }
    return entry
  }

  /// The uid holds `places` fewer. No place may be given back twice.
  mutating func give(_ entry: Int, places: Int = 1, now: UInt64) {
    let held = Int(memories[entry].places)
    precondition(places > 0 && places <= held, "\(places) places given back, \(held) held")
    memories[entry].places = Int32(held - places)
    guard held == places else { return }
    memories.age(entry, now: now)
    if memories.agingCount > agingMax, let oldest = memories.oldest { forget(oldest) }
  }

  /// Forgets what is too old, `atMost` so many.
  mutating func sweep(now: UInt64, atMost: Int) {
    var forgotten = 0
    while forgotten < atMost, let entry = memories.firstDue(after: agingMs, now: now) {
      forget(entry)
      forgotten += 1
    }
  }

  /// Forgets the uid that has been without a place for longest, if there is one.
  mutating func forgetOldest() {
    if let oldest = memories.oldest { forget(oldest) }
  }

  private mutating func forget(_ entry: Int) {
    index.remove(memories[entry].hash, entry: entry)
    memories.remove(entry)
  }

  func checkInvariants() {
    index.checkInvariants()
    memories.checkInvariants()
    let aging = memories.agingCount
    precondition(aging <= agingMax, "\(aging) uids without a place are remembered, at most \(agingMax) may be")
    precondition(index.count == count, "\(index.count) uids can be found, \(count) are remembered")
    for entry in 0..<memories.indexEnd where memories.isUsed(entry) {
      let memory = memories[entry]
      precondition(find(memory.uid).entry == entry, "\(memory.uid) is not found at its entry")
      precondition(memory.places >= 0, "\(memory.uid) holds \(memory.places) places")
      precondition((memory.places == 0) == memories.ages(entry), "\(memory) ages or does not")
    }
  }
}
