// What a Gateway has that could make room for others (rule G9), and how it gives that up before its time.
extension GatewayCore {
  /// Tells the worker what this Gateway has that could make room.
  func noteHolding() {
    guard !hasEnded else { return }
    let now = RoomLedger.Holding(
      isEmpty: placement.total == 0 && identifying == 0 && placement.comingCount == 0 && !isSeeking
        && placement.shardCount > 0,
      emptyShards: placement.emptyCount, idleUIDs: placement.idleUIDCount)
    guard now != holding else { return }
    holding = now
    home.note(now, of: self)
  }

  /// Retires the Shard that has been empty for longest. Its count in the engine is the caller's. False: no Shard is
  /// empty.
  func retireToMakeRoom() -> Bool {
    guard let slot = placement.retireOldest() else { return false }
    noteHolding()
    retire(slot, makingRoom: true)
    planSweep()
    endIfForgettable()
    return true
  }

  /// Forgets the uid that has been gone for longest. Returns what is left; the caller notes it.
  func forgetOldestUID() -> RoomLedger.Holding {
    placement.forgetOldestUID()
    holding.idleUIDs = placement.idleUIDCount
    return holding
  }
}
