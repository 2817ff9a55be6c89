extension Placement {
  /// The part of a placement that outlives its connections: the Shards that are ready, and which uid was last on which.
  /// A restored placement decides like one whose connections have all ended and whose coming Shards were abandoned.
  struct Snapshot: Equatable, Sendable {
    struct Memory: Equatable, Sendable {
      let uid: Name
      /// The ordinal of the Shard that the uid was placed on last.
      let shard: UInt64
    }

    /// The ordinals of the Shards, the oldest first.
    var shards: [UInt64] = []
    /// The ordinal of the next Shard. None is used twice, so a memory of a Shard that is gone matches no other.
    var nextOrdinal: UInt64 = 0
    /// Each uid once, in the order in which they are forgotten.
    var memories: [Memory] = []
  }

  var snapshot: Snapshot {
    var snapshot = Snapshot(nextOrdinal: nextOrdinal)
    for slot in 0..<shards.indexEnd where shards.isUsed(slot) && shards[slot].state == .ready {
      snapshot.shards.append(shards[slot].ordinal)
    }
    snapshot.shards.sort()
    func remember(_ memory: StickyTable.Memory) {
      let slot = Int(memory.shard)
      guard shards.isUsed(slot), shards[slot].ordinal == memory.ordinal, shards[slot].state == .ready else { return }
      snapshot.memories.append(Snapshot.Memory(uid: memory.uid, shard: memory.ordinal))
    }
    // Those that hold a place are forgotten last: their time begins with its release.
    sticky.memories.forEachAging(remember)
    sticky.memories.forEach { if $0.places > 0 { remember($0) } }
    return snapshot
  }

  /// Restores a snapshot. Its Shards are ready and empty, in the slots 0, 1, 2, ... in their order. If there are more
  /// than `shardsMax`, the oldest are taken; if there are more uids than may be remembered, the last. Nil if the
  /// snapshot is invalid: an ordinal or a uid comes twice, an ordinal out of order, or a uid names no Shard.
  init?(settings: Settings, restoring snapshot: Snapshot, now: UInt64) {
    self.init(settings: settings)
    var slots: [UInt64: Int] = [:]
    for (index, ordinal) in snapshot.shards.enumerated() {
      guard ordinal < snapshot.nextOrdinal, index == 0 || snapshot.shards[index - 1] < ordinal else { return nil }
      guard shardCount < settings.shardsMax else { continue }
      slots[ordinal] = restore(ordinal, now: now)
    }
    restoreNextOrdinal(snapshot.nextOrdinal)
    let known = Set(snapshot.shards)
    var seen: Set<Name> = []
    for memory in snapshot.memories {
      guard known.contains(memory.shard), seen.insert(memory.uid).inserted else { return nil }
      if let slot = slots[memory.shard] { remember(memory.uid, on: slot, now: now) }
    }
  }
}
