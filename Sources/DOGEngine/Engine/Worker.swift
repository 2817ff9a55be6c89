import Synchronization

/// What one thread owns: a loop, its mail and every object that lives on it.
///
/// `@unchecked Sendable`: other threads use only what is marked "any thread" (mail, room, calls, streams, counters),
/// what is immutable, and `claim`, `claimed` and `isCurrent` of the slot maps.
final class Worker: @unchecked Sendable {
  enum Letter: Sendable {
    case run(@Sendable (Worker) -> Void)
    /// Objects here are to speak: the next run in the mail.
    case speeches
    /// The same for one object, with a payload that does not go into a run.
    indirect case speech(Speech, by: Handle, [UInt8])
    /// Within one cluster.
    case gateway(GatewayCore, GatewayLetter)
    case shard(ShardCore, ShardLetter)
    case slice(GatewayCore, SliceLetter)
  }

  /// How much of one kind of work is done in one turn, if clients can cause any amount of it. The rest is for the next
  /// turns, and other clients come in between.
  static let atOnceMax = 256
  /// The same for reminders: four of them cost about as much.
  static let remindersAtOnceMax = 1024

  let index: Int
  unowned let engine: Engine
  /// A copy: reading it from the engine costs a reference count.
  let engineNumber: Int
  /// As its handles have it.
  let origin: UInt64
  /// A copy of the engine's. Every message reads it, and the engine's reference count would be written by all workers.
  /// Other threads read it even when the engine may be gone.
  let options: Options
  /// The engine's too.
  let router: Router
  let workerCount: Int
  let counters = Counters()

  // Thread and mail.
  let loop: EventLoop
  let mailbox = Mailbox<Letter>()
  var mail = Mailbox<Letter>.Mail()
  /// The worker of another engine in whose callback this one runs.
  var outer: Worker?
  /// True if SIGPIPE was blocked on this thread before it became a worker.
  var hadBlockedPipe = false
  var listeners: [Listener] = []

  // What lives here.
  let tables: Tables
  var gatewaysByKey: GatewayIndex
  /// Requests for Gateways for which there is no room yet.
  var newcomers: [GatewayKey: [Exchange]] = [:]
  /// What the Gateways here have that could make room for others; and, for other workers to read, since when the first
  /// candidates are such (`.max`: there are none).
  var ledger = RoomLedger()
  /// Gateways whose change the ledger has not heard of.
  var unsettled = TurnQueue<Handle>()
  let emptyGatewaySince = Atomic<UInt64>(.max)
  let emptyShardSince = Atomic<UInt64>(.max)
  /// This worker's part of uids_max.
  let idleUIDsMax: Int
  /// Messages and requests here that have begun and are not whole.
  var unfinished = UnfinishedList()

  // Time.
  var reminders = Reminders()
  var isRemindingLater = false
  /// When the loop's timer will run; nil when it is not set.
  var timerAt: UInt64?
  var stopDeadline: UInt64?
  /// The value of Date, and the loop's time when it was looked at.
  var date = HTTPDate()
  var dateMadeAt: UInt64?

  // The host.
  var callouts = Callouts()
  /// Bytes of messages that wait behind callouts; true while the loop holds because of them.
  var messageBytesWaiting = 0
  var isHoldingForCallouts = false
  /// Set if the host takes events: what it is told of this worker. Nil: it is called.
  let events: EventWriter?
  var logLimiter = LogLimiter()

  // Sending.
  /// What this turn writes.
  let turn: Turn
  /// Spare storage for all that is sent from here.
  let pool = BytesPool()
  /// For messages of sockets that agreed to permessage-deflate.
  let deflaters: DeflaterPool
  let inflaters = InflaterPool()
  /// What reads from streams and has ended in this turn.
  var ended: [StreamOwner] = []

  // Load.
  /// Nil if the option is 0.
  var lagWatch: LagWatch?
  /// On worker 0 only; nil if the option is 0.
  var memoryWatch: (admission: Admission, due: UInt64, trimDue: UInt64)?
  /// Open connections that were refused and are to get their 503.
  var refusedConnections = 0

  // The end.
  /// True once the engine stops: no new connections, no keep-alive.
  var isDraining = false
  /// True once the grace is over: whatever is open is reset.
  var isAborting = false
  /// True once the Shards and Gateways here end: none begins any more.
  var isWindingDown = false
  /// True from `exit` to the end of that turn's mail.
  var isExiting = false

  init(index: Int, engine: Engine, firstGeneration: UInt32) throws(Status) {
    self.index = index
    self.engine = engine
    engineNumber = engine.number
    origin = Handle.origin(engine: engine.number, worker: index)
    options = engine.options
    router = engine.definitions.router
    workerCount = engine.workerCount
    idleUIDsMax = max(1, engine.options.uidsMax / engine.workerCount)
    deflaters = DeflaterPool(DeflateBudget(bytesMax: engine.options.deflateTurnBytesMax))
    loop = try EventLoop(readTurnBytesMax: engine.options.readTurnBytesMax)
    tables = Tables(
      engine: engineNumber, worker: index, firstGeneration: firstGeneration, timersMax: engine.options.timersMax)
    gatewaysByKey = GatewayIndex(tables.gateways)
    turn = Turn(
      bytesMax: engine.options.writeTurnBytesMax, loop: loop, counters: counters, tables: tables)
    events = engine.events.map { EventWriter($0.queue, worker: index) }
    events?.onFull = { [unowned self] in if !isDraining { loop.hold() } }
    loop.onWake = { [unowned self] in openMailbox() }
    // Unowned, as the others, and not counted, for it runs each turn: `run` has the worker as long as the loop runs.
    let me = Unmanaged.passUnretained(self)
    loop.onTurnEnd = { me._withUnsafeGuaranteedRef { $0.endTurn() } }
    loop.onTimer = { [unowned self] in timePassed() }
  }

  /// Accepts on a bound descriptor, which this takes over. Before the loop runs, or on it.
  func listen(on descriptor: Int32, of endpoint: Endpoint) throws(Status) {
    if !endpoint.isUnix { engine.options.peerChecks.set(on: descriptor) }
    let listener = try Listener(
      descriptor: descriptor, of: endpoint, on: loop,
      onConnection: { [unowned self] stream in accepted(stream, from: endpoint) },
      onError: { [unowned self] reason in logPeer(.warn, "a connection could not be accepted: \(reason)") })
    listeners.append(listener)
  }

  var now: UInt64 { loop.now }

  var log: Log { engine.log }

  /// A line about what an outsider did. Such lines are limited, so that an attack cannot fill a disk. The place of the
  /// call is the topic; `about` tells apart several topics of one place.
  func logPeer(
    _ level: LogLevel, _ text: @autoclosure () -> String, about reason: Int = 0, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    guard level <= log.level, log.write != nil else { return }
    let topic = LogLimiter.Topic(place: UInt(bitPattern: file.utf8Start), line: line, reason: reason)
    guard let suppressed = logLimiter.admit(topic, now: now) else { return }
    log(level, suppressed == 0 ? text() : "\(text()) (and \(suppressed) lines like it were left out)")
  }

  private func endTurn() {
    settleLedger()
    turn.end()
    settleLedger()
    events?.flush()
    deflaters.endTurn()
    if !ended.isEmpty { ended.removeAll(keepingCapacity: ended.count <= 1024) }
  }

  /// Keeps what has ended until the end of the turn: so what calls it from a stream or in a flush need not hold it,
  /// which would cost two counts of a reference for each message.
  func keep(_ owner: StreamOwner) { ended.append(owner) }
}
