import Synchronization

// How room is made when a table of the engine is full (rule G9): a Gateway that is only remembered, an empty Shard, or
// a uid without a connection goes.
//
// DESIGN. Gateways and Shards are counted for the whole engine, because most of them may be on any one worker; a
// candidate lives on its own worker. So each worker publishes since when its oldest candidate is one. A worker that
// needs room asks the worker with the oldest of all. That one lets the candidate go and leaves its count to the asker,
// so nobody can take it in between. A worker that has no candidate any more hands the question on, and none is asked
// twice: so an answer takes at most as many letters as there are workers. uids come and go with every client, so each
// worker counts its own.
extension Worker {
  enum Room: Sendable {
    case gateway
    case shard
  }

  /// Lets one candidate go, somewhere in the engine. `then` is told on this worker, perhaps before this returns,
  /// whether there is room now. The room is the caller's, and counted already.
  func makeRoom(_ room: Room, _ then: @escaping @Sendable (Worker, Bool) -> Void) {
    assertHere()
    seek(room, for: self, asked: 0, then)
  }

  private func seek(
    _ room: Room, for asker: Worker, asked: UInt64, _ then: @escaping @Sendable (Worker, Bool) -> Void
  ) {
    settleLedger()
    var next: Worker?
    var since = UInt64.max
    for worker in engine.workers where asked >> UInt64(worker.index) & 1 == 0 {
      let its = worker.candidateSince(room)
      if its < since { (next, since) = (worker, its) }
    }
    guard let next else { return asker.hear(false, of: room, from: self, then) }
    let asked = asked | 1 << UInt64(next.index)
    let ask: @Sendable (Worker) -> Void = { next in
      if next.letGo(room) {
        asker.hear(true, of: room, from: next, then)
      } else {
        next.seek(room, for: asker, asked: asked, then)
      }
    }
    // A worker that has ended has no candidate.
    if next === self { ask(self) } else if !next.post(ask) { asker.hear(false, of: room, from: self, then) }
  }

  /// On `worker`: tells this one.
  private func hear(
    _ hasRoom: Bool, of room: Room, from worker: Worker, _ then: @escaping @Sendable (Worker, Bool) -> Void
  ) {
    guard worker !== self else { return then(self, hasRoom) }
    if !post({ then($0, hasRoom) }), hasRoom { engine.giveBack(room) }
  }

  /// Since when this worker's first candidate is one; `.max` if it has none. Any thread.
  private func candidateSince(_ room: Room) -> UInt64 {
    switch room {
    case .gateway: emptyGatewaySince.load(ordering: .relaxed)
    case .shard: emptyShardSince.load(ordering: .relaxed)
    }
  }

  /// Lets go of this worker's first candidate. True: its count is the asker's now.
  private func letGo(_ room: Room) -> Bool {
    assertHere()
    settleLedger()
    switch room {
    case .gateway:
      guard let gateway = ledger.longestEmpty.flatMap({ tables.gateways.find($0) }) else { return false }
      logPeer(.info, "Gateway \(gateway.key.name) is empty and makes room: the engine has gateways_max Gateways")
      gateway.end(makingRoom: true)
      return true
    case .shard:
      guard let gateway = ledger.firstWithEmptyShards.flatMap({ tables.gateways.find($0) }) else { return false }
      logPeer(
        .info, "an empty Shard of Gateway \(gateway.key.name) makes room: the engine has shards_total_max Shards")
      return gateway.retireToMakeRoom()
    }
  }

  /// The ledger hears of what has changed in this turn. Before it is asked; before a response goes to another worker,
  /// whose client may make a request that needs room; and at the end of a turn.
  @inline(__always)
  func settleLedger() { if !unsettled.isEmpty { settleAll() } }

  @inline(never)
  private func settleAll() {
    while let gateway = unsettled.popFirst() { tables.gateways.find(gateway)?.settleHolding() }
  }

  /// Notes what a Gateway here has that could go.
  func note(_ holding: RoomLedger.Holding, of gateway: GatewayCore) {
    ledger.note(gateway.ledgerIndex, holding, now: now)
    tellCandidates()
    while ledger.idleUIDs > idleUIDsMax, let first = ledger.firstWithIdleUIDs.flatMap({ tables.gateways.find($0) }) {
      ledger.note(first.ledgerIndex, first.forgetOldestUID(), now: now)
    }
  }

  func tellCandidates() {
    emptyGatewaySince.store(ledger.emptySince ?? .max, ordering: .relaxed)
    emptyShardSince.store(ledger.emptyShardSince ?? .max, ordering: .relaxed)
  }

  // MARK: Names that come to a full table

  /// A request for a Gateway that does not exist: it is made once there is room for it.
  func begin(_ key: GatewayKey, for exchange: Exchange) {
    guard !isWindingDown else { return exchange.refuse(503, "the engine stops", from: self) }
    if newcomers[key] != nil { return newcomers[key, default: []].append(exchange) }
    newcomers[key] = [exchange]
    if engine.reserve(.gateway) { return begin(key, hasRoom: true) }
    makeRoom(.gateway) { $0.begin(key, hasRoom: $1) }
  }

  private func begin(_ key: GatewayKey, hasRoom: Bool) {
    let waiting = newcomers.removeValue(forKey: key) ?? []
    // The engine may have wound down while room was sought: then nothing begins any more, and nobody waits.
    guard !isWindingDown else {
      if hasRoom { engine.giveBack(.gateway) }
      return
    }
    guard hasRoom, let gateway = GatewayCore.make(key, on: self) else {
      for exchange in waiting where !exchange.hasLeft {
        exchange.refuse(503, "the engine has gateways_max Gateways, none of them empty", from: self)
      }
      return
    }
    // The Gateway may end during one of these, if the host refuses the request.
    for exchange in waiting { take(exchange, for: key) }
    gateway.endIfForgettable()
  }
}

extension Engine {
  /// Counts one more, if the options allow it.
  func reserve(_ room: Worker.Room) -> Bool {
    switch room {
    case .gateway: Engine.addOne(to: gatewayCount, atMost: options.gatewaysMax)
    case .shard: Engine.addOne(to: shardCount, atMost: options.shardsTotalMax)
    }
  }

  /// Never counts more than there may be, not even for a moment: another that fits would be refused meanwhile.
  private static func addOne(to count: borrowing Atomic<Int>, atMost max: Int) -> Bool {
    var seen = count.load(ordering: .relaxed)
    while seen < max {
      let (isCounted, now) = count.weakCompareExchange(expected: seen, desired: seen + 1, ordering: .relaxed)
      if isCounted { return true }
      seen = now
    }
    return false
  }

  func giveBack(_ room: Worker.Room) {
    switch room {
    case .gateway: gatewayCount.subtract(1, ordering: .relaxed)
    case .shard: shardCount.subtract(1, ordering: .relaxed)
    }
  }
}
