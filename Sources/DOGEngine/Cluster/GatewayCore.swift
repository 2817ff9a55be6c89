import Synchronization

/// The single owner of one cluster: it identifies, places, counts and remembers. Lives on its home worker.
///
/// `@unchecked Sendable`: any thread may read the immutable part and the atomics; each worker touches its own entry of
/// `slices`; the rest is the home worker's.
final class GatewayCore: @unchecked Sendable {
  /// A Shard in the placement's slot of this index: named and running, or still coming.
  private enum Member {
    case none
    /// Waits for its name; these requests wait for it, each with a place reserved.
    case coming([Ticket])
    case ready(ShardCore)
  }

  let key: GatewayKey
  let home: Worker
  let type: GatewayClass
  let childType: ShardClass
  /// Of the child's class; nil: nothing is compressed.
  let deflate: DeflateSettings?
  private(set) var handle = Handle.none

  /// The workers that hold a part of the cluster: bit i is worker i. Written by the home worker, before the first Shard
  /// of that worker can have a member, so whoever has heard of a member reaches it.
  let workers = Atomic<UInt64>(0)
  /// For other threads to read.
  let shardCount = Atomic<Int>(0)
  let placeCount = Atomic<Int>(0)
  private let slices: UnsafeMutablePointer<ClusterSlice?>
  /// By worker, the bits of a `FrameEncodingSet`: the compressed encodings that its slice has members of. Each worker
  /// writes its own; who reads an old one sends no less, only not in the best form.
  private let encodings: UnsafeMutablePointer<Atomic<UInt16>>

  // The home worker's.
  private var host: (any Gateway)?
  private var placement: Placement
  private var members: [Member] = []
  private var shardIDs: Set<Name> = []
  private var shardsOnWorker: [Int]
  /// Requests that wait for `identify`: they keep a Gateway alive that has nothing else.
  private var identifying = 0
  /// When `sweep` was asked for; nil when it was not.
  private var sweepAt: UInt64?
  private var hasEnded = false

  private init(key: GatewayKey, home: Worker) {
    self.key = key
    self.home = home
    let engine = home.engine
    type = engine.definitions.gateways[key.gatewayClass]
    childType = engine.definitions.shards[engine.definitions.children[key.gatewayClass]]
    deflate = childType.deflate
    placement = Placement(
      settings: Placement.Settings(
        limit: type.limit, stickyMs: UInt64(type.stickySeconds) * 1000, stickyMax: type.stickyMax,
        idleMs: UInt64(type.idleSeconds) * 1000, shardsMax: engine.options.shardsMax,
        placesMax: type.connectionsMax > 0 ? type.connectionsMax : .max))
    shardsOnWorker = Array(repeating: 0, count: engine.workers.count)
    slices = .allocate(capacity: engine.workers.count)
    slices.initialize(repeating: nil, count: engine.workers.count)
    encodings = .allocate(capacity: engine.workers.count)
    for index in 0..<engine.workers.count { (encodings + index).initialize(to: Atomic(0)) }
  }

  deinit {
    slices.deinitialize(count: shardsOnWorker.count)
    slices.deallocate()
    encodings.deinitialize(count: shardsOnWorker.count)
    encodings.deallocate()
  }

  /// The Gateway of this name on its home worker, made if there is none. Nil: no more fit.
  static func find(_ key: GatewayKey, on home: Worker) -> GatewayCore? {
    home.assertHere()
    if let gateway = home.gatewaysByKey[key] { return gateway }
    let engine = home.engine
    guard engine.gatewayCount.add(1, ordering: .relaxed).newValue <= engine.options.gatewaysMax else {
      engine.gatewayCount.subtract(1, ordering: .relaxed)
      return nil
    }
    let gateway = GatewayCore(key: key, home: home)
    guard let handle = home.gateways.insert(gateway, as: .gateway) else {
      engine.gatewayCount.subtract(1, ordering: .relaxed)
      return nil
    }
    gateway.handle = handle
    gateway.host = gateway.type.make(GatewayHandle(handle))
    home.gatewaysByKey[key] = gateway
    home.counters.add(.gateways)
    engine.directory.add(gateway)
    return gateway
  }

  // MARK: A request's way

  /// Asks the host who this is.
  func identify(_ exchange: Exchange) {
    guard
      let ticket = Ticket.put(
        .identify(self), exchange, on: home, timeoutMs: home.engine.options.identifyTimeoutMs)
    else { return endIfForgettable() }
    identifying += 1
    home.ask(ticket) { [self] request in try host?.identify(request) }
  }

  /// An `identify` question has its end: an answer, a refusal, or nobody there any more.
  func identified() { identifying -= 1 }

  /// Places an identified request (rules G2 to G5).
  func admit(_ exchange: Exchange, _ uid: Name) {
    home.assertHere()
    guard !exchange.hasLeft else { return }
    guard !hasEnded else { return exchange.refuse(503, "the engine stops", from: home) }
    let decision = placement.place(uid, now: home.now)
    switch decision {
    case .shard, .waits, .begins: countPlaces(1)
    case .full, .atPlacesMax: break
    }
    switch decision {
    case .shard(let slot): send(exchange, uid, to: slot)
    case .waits(let slot): wait(exchange, uid, for: slot)
    case .begins(let slot):
      while members.count <= slot { members.append(.none) }
      members[slot] = .coming([])
      wait(exchange, uid, for: slot)
      type.clusterizes ? askName(of: slot, for: exchange, uid) : nameShard(slot, ShardID.random())
    case .full: exchange.refuse(503, "the cluster has shards_max Shards, all full", from: home)
    case .atPlacesMax: exchange.refuse(503, "the cluster has connections_max connections", from: home)
    }
  }

  private func send(_ exchange: Exchange, _ uid: Name, to slot: Int) {
    guard case .ready(let shard) = members[slot] else {
      preconditionFailure("placed on slot \(slot), which has no Shard")
    }
    if shard.worker === home {
      shard.receive(exchange, uid)
    } else {
      shard.worker.post { _ in shard.receive(exchange, uid) }
    }
  }

  private func wait(_ exchange: Exchange, _ uid: Name, for slot: Int) {
    guard case .coming(var waiting) = members[slot] else {
      preconditionFailure("waits for slot \(slot), which is not coming")
    }
    guard
      let ticket = Ticket.put(
        .waiting(self, slot: slot), exchange, uid: uid, on: home,
        timeoutMs: home.engine.options.identifyTimeoutMs)
    else { return release(uid, slot: slot, from: home) }
    members[slot] = .none
    waiting.append(ticket)
    members[slot] = .coming(waiting)
  }

  private func askName(of slot: Int, for exchange: Exchange, _ uid: Name) {
    guard
      let ticket = Ticket.put(
        .clusterize(self, slot: slot), exchange, uid: uid, on: home,
        timeoutMs: home.engine.options.identifyTimeoutMs)
    else { return abandonShard(slot, status: 503) }
    home.ask(ticket) { [self] request in try host?.clusterize(request) }
  }

  /// The coming Shard has its name: it begins, with all who waited.
  func nameShard(_ slot: Int, _ id: Name) {
    home.assertHere()
    guard case .coming(let waiting) = members[slot] else { return }
    let worker = workerForNextShard()
    let shard = ShardCore(id: id, gateway: self, slot: slot, worker: worker)
    members[slot] = .ready(shard)
    shardIDs.insert(id)
    shardsOnWorker[worker.index] += 1
    workers.bitwiseOr(1 << UInt64(worker.index), ordering: .sequentiallyConsistent)
    shardCount.add(1, ordering: .relaxed)
    if worker === home { shard.start() } else { worker.post { _ in shard.start() } }
    placement.ready(slot, now: home.now)
    for ticket in waiting {
      guard home.tickets.claim(ticket.handle) else { continue }
      ticket.end(on: home)
      guard let uid = ticket.uid else { continue }
      send(ticket.exchange, uid, to: slot)
    }
    planSweep()
  }

  func isTaken(_ id: Name) -> Bool { shardIDs.contains(id) }

  /// The coming Shard gets no name: those who waited have the host's answer, their places are gone with it.
  func abandonShard(_ slot: Int, with response: Response) {
    abandonShard(slot) { [home] exchange in exchange.respond(response, from: home) }
  }

  /// The same where the host has no answer: each is refused.
  func abandonShard(_ slot: Int, status: Int) {
    abandonShard(slot) { [home] exchange in exchange.refuse(status, "its Shard got no name", from: home) }
  }

  private func abandonShard(_ slot: Int, answer: (Exchange) -> Void) {
    home.assertHere()
    guard case .coming(let waiting) = members[slot] else { return }
    members[slot] = .none
    countPlaces(-placement.count(slot))
    placement.abandon(slot, now: home.now)
    // All are ended before the first is answered: an answer may bring in the next request.
    let ended = waiting.filter { home.tickets.claim($0.handle) }
    for ticket in ended { ticket.end(on: home) }
    for ticket in ended { answer(ticket.exchange) }
    planSweep()
    endIfForgettable()
  }

  /// A client left that waited for a coming Shard; its ticket has ended.
  func stopWaiting(_ ticket: Ticket, slot: Int) {
    guard case .coming(var waiting) = members[slot], let uid = ticket.uid else { return }
    members[slot] = .none
    waiting.removeAll { $0 === ticket }
    members[slot] = .coming(waiting)
    release(uid, slot: slot, from: home)
  }

  // MARK: Places

  /// Gives a place back. From any worker, once for each that was reserved.
  func release(_ uid: Name?, slot: Int, from worker: Worker) {
    guard let uid else { return }
    guard worker === home else {
      home.post { _ in self.release(uid, slot: slot, from: self.home) }
      return
    }
    placement.release(uid, on: slot, now: home.now)
    countPlaces(-1)
    planSweep()
  }

  private func countPlaces(_ change: Int) {
    placeCount.add(change, ordering: .relaxed)
    home.counters.add(.places, change)
  }

  /// The worker with the fewest Shards of this cluster, from home on: a small cluster stays on one thread, a large one
  /// uses all.
  private func workerForNextShard() -> Worker {
    let workers = home.engine.workers
    var best = home.index
    for step in 1..<max(workers.count, 2) {
      let index = (home.index + step) % workers.count
      if shardsOnWorker[index] < shardsOnWorker[best] { best = index }
    }
    return workers[best]
  }

  // MARK: Growing old

  private func planSweep() {
    guard !hasEnded, let next = placement.nextSweep else { return }
    if let sweepAt, sweepAt <= next { return }
    sweepAt = next
    home.remind(handle, at: next)
  }

  /// Retires Shards that were empty for too long (rule G6), and itself when nothing is left to know.
  func sweep(_ now: UInt64) {
    // A reminder for a later time than planned since is none.
    guard !hasEnded, let time = sweepAt, time <= now else { return }
    sweepAt = nil
    for slot in placement.sweep(now: now) { retire(slot) }
    planSweep()
    endIfForgettable()
  }

  /// Ends when nobody is here, asked for or remembered: its name may have come from a URL.
  func endIfForgettable() {
    if identifying == 0, placement.isForgettable { end() }
  }

  private func retire(_ slot: Int) {
    guard case .ready(let shard) = members[slot] else { return }
    members[slot] = .none
    shardIDs.remove(shard.id)
    let index = shard.worker.index
    shardsOnWorker[index] -= 1
    if shardsOnWorker[index] == 0 { workers.bitwiseAnd(~(1 << UInt64(index)), ordering: .sequentiallyConsistent) }
    shardCount.subtract(1, ordering: .relaxed)
    if shard.worker === home { shard.stop() } else { shard.worker.post { _ in shard.stop() } }
  }

  /// Forgets the Gateway: its host is told, and the next request of this name begins anew.
  func end() {
    guard !hasEnded else { return }
    hasEnded = true
    home.engine.directory.remove(self)
    home.gatewaysByKey[key] = nil
    home.engine.gatewayCount.subtract(1, ordering: .relaxed)
    home.counters.add(.gateways, -1)
    // Its Shards hold it: where the engine ends under them, this is what lets go of them.
    for slot in members.indices { members[slot] = .none }
    home.callOut { [self] in
      host?.onretire()
      host = nil
      home.gateways.remove(handle)
    }
  }

  /// As it is, without the uids, which the Shards' workers know.
  var view: ClusterView {
    home.assertHere()
    var shards: [ClusterView.ShardView] = []
    for (slot, member) in members.enumerated() {
      guard case .ready(let shard) = member else { continue }
      shards.append(
        ClusterView.ShardView(
          id: shard.id, worker: shard.worker.index, connections: placement.count(slot), uids: []))
    }
    return ClusterView(
      gatewayClass: type.name, name: key.name, limit: type.limit, connections: placement.total, shards: shards)
  }

  // MARK: The cluster's parts

  /// This worker's part; nil when it has none. On that worker.
  @inline(__always)
  func slice(on worker: Worker) -> ClusterSlice? { slices[worker.index] }

  func makeSlice(on worker: Worker) -> ClusterSlice {
    worker.assertHere()
    if let slice = slices[worker.index] { return slice }
    let slice = ClusterSlice(gateway: self, worker: worker)
    slices[worker.index] = slice
    return slice
  }

  /// Any thread may ask; told by that worker alone.
  func encodings(on worker: Worker) -> FrameEncodingSet {
    FrameEncodingSet(bits: encodings[worker.index].load(ordering: .relaxed))
  }

  func setEncodings(_ set: FrameEncodingSet, on worker: Worker) {
    encodings[worker.index].store(set.bits, ordering: .relaxed)
  }

  /// Calls `body` for each other worker that holds a part.
  @inline(__always)
  func forEachOther(than worker: Worker, _ body: (Worker) -> Void) {
    var others = workers.load(ordering: .sequentiallyConsistent) & ~(1 << UInt64(worker.index))
    while others != 0 {
      body(worker.engine.workers[others.trailingZeroBitCount])
      others &= others - 1
    }
  }
}
