extension Placement {
  /// Asserts all that must hold between two calls. O(Shards + uids).
  func checkInvariants() {
    shards.checkInvariants()
    heap.checkInvariants()
    sticky.checkInvariants()
    precondition(shards.count > 0 || sticky.count == 0, "\(sticky.count) uids are remembered and there is no Shard")
    precondition(shards.count <= settings.shardsMax, "\(shards.count) Shards, at most \(settings.shardsMax) may be")
    precondition(shards.count == heap.count, "\(shards.count) Shards, \(heap.count) ranked")
    var taken = 0
    var coming = 0
    for slot in 0..<shards.indexEnd where shards.isUsed(slot) {
      checkShard(slot)
      taken += shards[slot].count
      if shards[slot].state == .coming { coming += 1 }
    }
    precondition(coming == comingCount, "\(coming) Shards are coming, \(comingCount) counted")
    precondition(taken == total, "\(taken) places are taken, \(total) counted")
    checkPlaces()
  }

  private func checkShard(_ slot: Int) {
    let shard = shards[slot]
    precondition(shard.count >= 0 && shard.count <= settings.limit, "Shard \(slot) has \(shard.count) places taken")
    let isIdle = shard.state == .ready && shard.count == 0
    precondition(shards.ages(slot) == isIdle, "Shard \(slot), \(shard), ages or does not")
    precondition(heap.contains(slot), "Shard \(slot), \(shard), is not ranked")
    precondition(heap.node(of: slot).rank == rankNow(of: slot), "Shard \(slot), \(shard), has another's rank")
    precondition(heap.node(of: slot).ordinal == shard.ordinal, "Shard \(slot), \(shard), is ranked by another's age")
    guard shard.state == .coming else {
      precondition(waiting[slot] == nil, "Shard \(slot) is ready and waited for")
      return
    }
    let places = waiting[slot]?.values.reduce(0) { $0 + $1.places } ?? 0
    precondition(places == shard.count, "\(places) places wait for Shard \(slot), \(shard.count) are taken on it")
  }

  /// The places of the uids are those of the Shards.
  private func checkPlaces() {
    var held = 0
    for entry in 0..<sticky.memories.indexEnd where sticky.memories.isUsed(entry) {
      held += Int(sticky.memories[entry].places)
    }
    precondition(held == total, "\(held) places are held by uids, \(total) taken")
    var waitingPlaces: [Int: Int] = [:]
    for (shard, entries) in waiting {
      precondition(shards.isUsed(shard), "slot \(shard) is free and waited for")
      for (entry, held) in entries {
        precondition(held.places > 0, "\(held.places) places wait for Shard \(shard)")
        waitingPlaces[entry, default: 0] += held.places
      }
    }
    for (entry, places) in waitingPlaces {
      precondition(sticky.memories.isUsed(entry), "entry \(entry) is free and waits")
      precondition(sticky.memories[entry].places >= places, "entry \(entry) waits with more places than it holds")
    }
  }
}
