// What a Gateway has that could make room for others (rule G9), and how it gives that up before its time.
extension GatewayCore {
  /// What this Gateway has that could make room.
  private var holdingNow: RoomLedger.Holding {
    RoomLedger.Holding(
      isEmpty: placement.total == 0 && identifying == 0 && placement.comingCount == 0 && !isSeeking
        && placement.shardCount > 0,
      emptyShards: placement.emptyCount, idleUIDs: placement.idleUIDCount)
  }

  /// That has changed, perhaps. The ledger hears of it before it is asked, and at the end of the turn: a Gateway may
  /// have many requests in a turn.
  func noteHolding() {
    let now = holdingNow
    if isUnsettled { return leastHolding.formMinimum(now) }
    guard now != holding, !hasEnded else { return }
    isUnsettled = true
    leastHolding = holding
    leastHolding.formMinimum(now)
    home.unsettled.append(handle)
  }

  /// Tells the ledger. First the least that it had meanwhile: what it got since is new.
  func settleHolding() {
    isUnsettled = false
    guard !hasEnded else { return }
    home.ledger.note(ledgerIndex, leastHolding, now: home.now)
    holding = holdingNow
    home.note(holding, of: self)
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
    leastHolding.formMinimum(holding)
    return holding
  }
}
