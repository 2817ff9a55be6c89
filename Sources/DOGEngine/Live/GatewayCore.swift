import Synchronization

/// The single owner of one cluster: it identifies, places, counts and remembers. Lives on its home worker.
///
/// `@unchecked Sendable`: any thread may read the immutable part and the atomics; each worker touches its own entry of
/// `slices`; the rest is the home worker's.
final class GatewayCore: @unchecked Sendable {
  let key: GatewayKey
  let home: Worker
  let type: GatewayClass
  let childType: ShardClass
  /// The child class's; nil: nothing is compressed.
  let deflate: DeflateSettings?
  private(set) var handle = Handle.none

  /// The workers that hold a part of the cluster: bit i is worker i. The home worker sets a bit before the first Shard
  /// on that worker can have a socket. So a sender that knows of a socket reaches it.
  let workers = Atomic<UInt64>(0)
  /// For other threads to read.
  let shardCount = Atomic<Int>(0)
  let placeCount = Atomic<Int>(0)
  private let workerCount: Int
  private let slices: UnsafeMutablePointer<ClusterSlice?>
  /// By worker, the bits of a `FrameEncodingSet`: the compressed encodings that its slice has members of. Each worker
  /// writes its own. A sender that reads an old value sends the message too, only not in the best form.
  private let encodings: UnsafeMutablePointer<Atomic<UInt16>>

  // The home worker's.
  private var hostBox: HostBox<any Gateway>? {
    didSet { hostToCall = hostBox.map { Unmanaged.passUnretained($0) } }
  }
  /// The same, for `withHost`.
  private var hostToCall: Unmanaged<HostBox<any Gateway>>?
  var placement: Placement
  private var members: Members
  /// Lines whose outcome is decided, with requests that have not been sent on yet.
  var leavingLines = TurnQueue<WaitingLine>()
  var isEmptyingLines = false
  /// Requests that wait for `identify`: they keep a Gateway alive that has no Shard yet.
  var identifying = 0
  /// Requests that are not placed, because the engine has no Shard left: room for one is being made. In the order in
  /// which they came, from `nextSeeker` on.
  var seekers: [(exchange: Exchange, uid: Name)] = []
  var nextSeeker = 0
  var isSeeking = false
  /// When `sweep` was asked for; nil when it was not.
  private var sweepAt: UInt64?
  var hasEnded = false
  /// True once the host has been told of the end, or is about to be.
  private var hasFinished = false
  /// Its index in the home worker's ledger, and what the ledger knows of it.
  private(set) var ledgerIndex = -1
  var holding = RoomLedger.Holding()
  /// True while it is in the worker's `unsettled`; and the least that it had since then.
  var isUnsettled = false
  var leastHolding = RoomLedger.Holding()
  /// The host's pointer (dog_gateway_set_data).
  var data: UnsafeMutableRawPointer?

  private init(key: GatewayKey, home: Worker) {
    self.key = key
    self.home = home
    let engine = home.engine
    type = engine.definitions.gateways[key.gatewayClass]
    childType = engine.definitions.shards[engine.definitions.children[key.gatewayClass]]
    deflate = childType.deflate
    placement = Placement(
      settings: Placement.Settings(
        limit: type.limit, policy: type.placement, stickyMs: UInt64(type.stickySeconds) * 1000,
        stickyMax: type.stickyMax,
        idleMs: UInt64(type.idleSeconds) * 1000, shardsMax: engine.options.shardsMax,
        placesMax: type.connectionsMax > 0 ? type.connectionsMax : .max))
    members = Members(workers: engine.workers.count)
    workerCount = engine.workers.count
    slices = .allocate(capacity: workerCount)
    slices.initialize(repeating: nil, count: workerCount)
    encodings = .allocate(capacity: workerCount)
    for index in 0..<workerCount { (encodings + index).initialize(to: Atomic(0)) }
  }

  deinit {
    slices.deinitialize(count: workerCount)
    slices.deallocate()
    encodings.deinitialize(count: workerCount)
    encodings.deallocate()
  }

  /// Makes the Gateway of this name on its home worker; it was counted already. Nil: a worker holds no more.
  static func make(_ key: GatewayKey, on home: Worker) -> GatewayCore? {
    home.assertHere()
    let engine = home.engine
    let gateway = GatewayCore(key: key, home: home)
    guard let handle = home.tables.gateways.insert(gateway, as: .gateway) else {
      engine.giveBack(.gateway)
      return nil
    }
    gateway.handle = handle
    gateway.ledgerIndex = home.ledger.enter(handle)
    gateway.hostBox = HostBox(gateway.type.make(GatewayHandle(handle)))
    home.gatewaysByKey.insert(gateway)
    home.counters.add(.gateways)
    engine.directory.add(gateway)
    return gateway
  }

  /// Calls the host without a count of its reference: inside a callback, before whose end nothing takes it away.
  @inline(__always)
  func withHost(_ call: (any Gateway) throws -> Void) rethrows {
    try hostToCall?._withUnsafeGuaranteedRef { try call($0.host) }
  }

  // MARK: A request's way

  /// Asks the host who this is.
  func identify(_ exchange: Exchange) {
    guard
      let ticket = Ticket.put(
        .identify(self), exchange, on: home, timeoutMs: home.options.identifyTimeoutMs)
    else { return endIfForgettable() }
    identifying += 1
    noteHolding()
    home.ask(ticket)
  }

  /// An `identify` question has ended: by an answer, a refusal, or a client that left. `endIfForgettable` follows.
  func identified() { identifying -= 1 }

  /// Places an identified request (rules G2 to G5). `asked` was the ticket of `identify`.
  func admit(_ asked: Ticket, _ validUID: UnsafeRawBufferPointer) {
    home.assertHere()
    let exchange = asked.exchange
    guard !exchange.hasLeft else { return }
    guard !hasEnded else { return exchange.refuse(503, "the engine stops", from: home) }
    let (uid, found) = placement.recall(validUID)
    let decision = placement.place(uid, found: found, now: home.now) { home.engine.reserve(.shard) }
    if case .noneLeft = decision {
      seekers.append((exchange, uid))
      return seekShard()
    }
    carryOut(decision, for: exchange, asked)
  }

  /// `spent`: a ticket of this request, which may serve again.
  func carryOut(_ decision: Placement.Decision, for exchange: Exchange, _ spent: Ticket? = nil) {
    switch decision {
    case .shard, .waits, .begins: countPlaces(1, on: home)
    case .full, .noneLeft, .atPlacesMax: break
    }
    noteHolding()
    switch decision {
    case .shard(let place): send(exchange, place, spent)
    case .waits(let place):
      guard let line = members.coming(place.slot) else {
        preconditionFailure("waits for slot \(place.slot), which is not coming")
      }
      wait(exchange, place, in: line)
    case .begins(let place):
      wait(exchange, place, in: members.begin(place.slot))
      type.clusterizes ? askName(for: exchange, place) : nameShard(place.slot, ShardID.random())
    case .full: exchange.refuse(503, "the cluster has shards_max Shards, all full", from: home)
    case .noneLeft: exchange.refuse(503, "the engine has shards_total_max Shards, none of them empty", from: home)
    case .atPlacesMax: exchange.refuse(503, "the cluster has connections_max connections", from: home)
    }
  }

  func send(_ exchange: Exchange, _ place: Place, _ spent: Ticket? = nil) {
    guard let shard = members.ready(place.slot) else {
      preconditionFailure("placed on slot \(place.slot), which has no Shard")
    }
    guard shard.worker !== home else { return shard.receive(exchange, place, spent) }
    shard.tell(.receive(exchange, place), from: home)
  }

  private func wait(_ exchange: Exchange, _ place: Place, in line: WaitingLine) {
    let deadline =
      members.starting(line.slot).flatMap { waitDeadline(for: $0) } ?? home.now + home.options.identifyTimeoutMs
    guard
      let ticket = Ticket.put(
        .waiting(self, line), exchange, place: place, on: home, timeoutMs: deadline - min(deadline, home.now))
    else { return release(place, from: home) }
    line.append(ticket)
  }

  private func askName(for exchange: Exchange, _ place: Place) {
    guard
      let ticket = Ticket.put(
        .clusterize(self, slot: place.slot), exchange, place: place, on: home,
        timeoutMs: home.options.identifyTimeoutMs)
    else { return abandonShard(place.slot, status: 503) }
    home.ask(ticket)
  }

  /// The coming Shard has its name: it starts, and the requests go on waiting.
  func nameShard(_ slot: Int, _ id: Name) {
    home.assertHere()
    guard let line = members.coming(slot), members.starting(slot) == nil else { return }
    let worker = home.engine.workers[members.workerForNext(home: home.index)]
    let deadline = childType.startsLater ? home.now + home.options.startTimeoutMs : .max
    let shard = ShardCore(id: id, gateway: self, slot: slot, worker: worker, startDeadline: deadline)
    members.name(shard)
    workers.bitwiseOr(1 << UInt64(worker.index), ordering: .sequentiallyConsistent)
    shardCount.add(1, ordering: .relaxed)
    if let deadline = waitDeadline(for: shard) {
      line.forEach { $0.exchange.setDeadline(deadline) }
    }
    shard.tell(.start, from: home)
  }

  /// Until when a request waits for a Shard that starts. The Shard itself reports that it did not start in time; this
  /// later deadline is for the case that it cannot. Nil: the deadline for its name holds.
  private func waitDeadline(for shard: ShardCore) -> UInt64? {
    shard.startDeadline == .max ? nil : shard.startDeadline + GatewayCore.startTellingMs
  }

  private static let startTellingMs: UInt64 = 1000

  /// The Shard has started, and gets the requests that waited.
  func shardStarted(_ slot: Int) {
    home.assertHere()
    guard let line = members.start(slot) else { return }
    placement.ready(slot, now: home.now)
    line.outcome = .ready
    noteHolding()
    empty(line)
    planSweep()
  }

  /// The Shard did not start and has ended: nothing is left of it here, and the next request makes another.
  func shardFailed(_ slot: Int, status: Int) {
    home.assertHere()
    guard let shard = members.fail(slot) else { return }
    forgetPart(of: shard)
    abandonShard(slot, status: status, "its Shard did not start")
  }

  func isTaken(_ id: Name) -> Bool { members.isTaken(id) }

  /// The coming Shard gets no name: the requests that waited get the host's answer, and their places go with the Shard.
  func abandonShard(_ slot: Int, with response: Response) {
    abandonShard(slot) { [home] in $0.respond(response, from: home) }
  }

  /// The same if the host has no answer: each is refused.
  func abandonShard(_ slot: Int, status: Int, _ reason: String = "its Shard got no name") {
    abandonShard(slot) { [home] in $0.refuse(status, reason, from: home) }
  }

  private func abandonShard(_ slot: Int, answer: @escaping (Exchange) -> Void) {
    home.assertHere()
    guard let line = members.abandon(slot) else { return }
    countPlaces(-placement.count(slot), on: home)
    placement.abandon(slot, now: home.now)
    home.engine.giveBack(.shard)
    noteHolding()
    line.outcome = .abandoned(answer)
    empty(line)
    planSweep()
    endIfForgettable()
  }

  // MARK: Places

  /// Gives a place back. From any worker, once for each that was reserved. It is not counted any more when this
  /// returns; home gives it to another request when the letter has come.
  func release(_ place: Place?, from worker: Worker) {
    guard let place else { return }
    countPlaces(-1, on: worker)
    if worker === home { takeBack(place) } else { tell(.released(place), from: worker) }
  }

  func takeBack(_ place: Place) {
    placement.release(place, now: home.now)
    noteHolding()
    planSweep()
  }

  private func countPlaces(_ change: Int, on worker: Worker) {
    placeCount.add(change, ordering: .relaxed)
    worker.counters.add(.places, change)
  }

  // MARK: Growing old

  func planSweep() {
    guard !hasEnded, let next = placement.nextSweep else { return }
    if let sweepAt, sweepAt <= next { return }
    sweepAt = next
    home.remind(handle, at: next)
  }

  /// Retires Shards that were empty for too long (rule G6), and the Gateway if nothing is left. As many as fit in one
  /// turn: thousands may be due at once. Returns how many.
  func sweep(_ now: UInt64) -> Int {
    // This reminder was for an earlier plan.
    guard !hasEnded, let time = sweepAt, time <= now else { return 0 }
    sweepAt = nil
    let retired = placement.sweep(now: now, atMost: Worker.atOnceMax)
    noteHolding()
    // All are out of the table before the host hears of the first end: it may cause a request that is placed on one of
    // their slots.
    for shard in retired.compactMap({ takeOut($0) }) { shard.tell(.stop, from: home) }
    if let next = placement.nextSweep, next <= now {
      sweepAt = next
      home.remindAgain(handle)
    } else {
      planSweep()
    }
    endIfForgettable()
    return retired.count
  }

  /// Ends if it has no request, no Shard and no memory: its name may have come from a URL.
  func endIfForgettable() {
    noteHolding()
    if identifying == 0, !isSeeking, placement.isForgettable { end() }
  }

  func retire(_ slot: Int, makingRoom: Bool = false) {
    takeOut(slot, makingRoom: makingRoom)?.tell(.stop, from: home)
  }

  /// Removes the Shard of this slot from the table: the caller ends it.
  private func takeOut(_ slot: Int, makingRoom: Bool = false) -> ShardCore? {
    guard let shard = members.takeOut(slot) else { return nil }
    if !makingRoom { home.engine.giveBack(.shard) }
    forgetPart(of: shard)
    return shard
  }

  /// The cluster has one Shard less, and perhaps a part on one worker less.
  private func forgetPart(of shard: ShardCore) {
    let index = shard.worker.index
    if members.count(on: index) == 0 { workers.bitwiseAnd(~(1 << UInt64(index)), ordering: .sequentiallyConsistent) }
    shardCount.subtract(1, ordering: .relaxed)
  }

  /// Forgets the Gateway: its Shards end, if it has any, its host is told, and the next request of this name begins
  /// anew. It may have no requests and no sockets. `makingRoom`: its count in the engine is the caller's.
  func end(makingRoom: Bool = false) {
    guard !hasEnded else { return }
    hasEnded = true
    home.engine.directory.remove(self)
    home.gatewaysByKey.remove(self)
    home.ledger.leave(ledgerIndex)
    home.tellCandidates()
    if !makingRoom { home.engine.giveBack(.gateway) }
    home.counters.add(.gateways, -1)
    endShards(from: 0)
  }

  /// The engine ends, and all Shards with it.
  func endAtOnce() {
    end()
    finish()
  }

  /// Ends some Shards in each turn, then the Gateway.
  private func endShards(from first: Int) {
    guard !hasFinished else { return }
    var slot = first
    var ended = 0
    while slot < members.slots.upperBound {
      guard ended < Worker.atOnceMax else { return _ = home.post { [slot] _ in self.endShards(from: slot) } }
      if members.ready(slot) != nil { ended += 1 }
      retire(slot)
      slot += 1
    }
    finish()
  }

  private func finish() {
    guard !hasFinished else { return }
    hasFinished = true
    // Shards and Gateway hold one another: if the engine ends while Shards exist, this breaks the cycle.
    members.removeAll()
    seekers = []
    home.callOut { [self] in
      hostBox?.host.onretire()
      hostBox = nil
      home.tables.gateways.remove(handle)
    }
  }

  /// What it has now, without the uids, which the Shards' workers know.
  var view: ClusterView {
    home.assertHere()
    var shards: [ClusterView.ShardView] = []
    for slot in members.slots {
      guard let shard = members.ready(slot) else { continue }
      shards.append(
        ClusterView.ShardView(
          id: shard.id, worker: shard.worker.index, connections: placement.count(slot), uids: []))
    }
    return ClusterView(
      gatewayClass: type.name, name: key.name, limit: type.limit, connections: placement.total, shards: shards)
  }

  // MARK: The cluster's parts

  /// That worker's part; nil if it has none. On that worker.
  @inline(__always)
  func slice(on worker: Worker) -> ClusterSlice? { slices[worker.index] }

  func makeSlice(on worker: Worker) -> ClusterSlice {
    worker.assertHere()
    if let slice = slices[worker.index] { return slice }
    let slice = ClusterSlice(gateway: self, worker: worker)
    slices[worker.index] = slice
    return slice
  }

  /// Any thread may read; only that worker writes.
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
