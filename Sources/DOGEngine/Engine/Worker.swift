import CUV
import Glibc
import Synchronization

/// What one thread owns: a loop and every object that lives on it.
///
/// `@unchecked Sendable`: from other threads only `post`, `mailbox`, the slot maps' `claim` and `isCurrent`, and
/// `counters` are used; all else begins with `assertHere`.
final class Worker: @unchecked Sendable {
  enum Letter: Sendable {
    case run(@Sendable (Worker) -> Void)
    /// The frame of a broadcast, for the members that this worker has of the cluster.
    case broadcast(GatewayCore, SharedFrame)
    /// The same where some of them take compressed frames.
    case broadcastEncoded(GatewayCore, EncodedMessage)
  }

  private static let flushRoundsMax = 8

  let index: Int
  unowned let engine: Engine
  /// Beside the engine, of which each look costs a reference count.
  let engineNumber: Int
  let loop: EventLoop
  let mailbox = Mailbox<Letter>()
  /// Here too, because other threads ask for it when the engine may be gone.
  let mailboxBytesMax: Int
  let counters = Counters()

  let connections: SlotMap<HTTPConnection>
  let sockets: SlotMap<WebSocket>
  let tickets: SlotMap<Ticket>
  let shards: SlotMap<ShardCore>
  let gateways: SlotMap<GatewayCore>
  let gossips: SlotMap<GossipTicket>
  let inquiries: SlotMap<GossipRound>
  let streams = StreamTable()
  let lingerings: SlotMap<Lingering>
  var gatewaysByKey: [GatewayKey: GatewayCore] = [:]

  var callouts = Callouts()
  /// Where the host takes events: what it is told of this worker. Nil: it is called.
  let events: EventWriter?
  var listeners: [Listener] = []
  var date = HTTPDate()
  var logLimiter = LogLimiter()

  /// Spare storage of all that is sent from here.
  let pool = BytesPool()
  /// For messages of sockets that agreed to permessage-deflate.
  let deflaters = DeflaterPool()
  let inflaters = InflaterPool()
  /// Sockets to close when the flush that runs is over.
  var doomed: [WebSocket] = []
  /// Parts of clusters with something to send at the end of this turn.
  var dirtySlices: [ClusterSlice] = []
  /// Sockets and connections with something of their own to send at the end of this turn.
  var dirtySockets: [WebSocket] = []
  var dirtyConnections: [HTTPConnection] = []

  /// True from the moment that the engine stops: no new connection, no keep-alive.
  private(set) var isDraining = false
  /// True when the grace is over: whatever is open is reset.
  private(set) var isAborting = false

  /// The worker, of another engine, in whose callback this one was run.
  private var outer: Worker?
  private var letters: [Letter] = []
  private var wheel = TimerWheel()
  private var due: [UInt64] = []
  /// When the loop's timer will run; nil when it is not set.
  private var timerAt: UInt64?
  private var stopDeadline: UInt64?

  /// Nil where the option says never.
  var lagWatch: LagWatch?
  /// Worker 0's; nil where the option says never.
  var memoryWatch: (admission: Admission, due: UInt64)?
  /// Open connections that were refused and are to be told so.
  var refusedConnections = 0

  init(index: Int, engine: Engine, firstGeneration: UInt32) throws(Status) {
    self.index = index
    self.engine = engine
    engineNumber = engine.number
    mailboxBytesMax = engine.options.mailboxBytesMax
    loop = try EventLoop()
    let number = engine.number
    connections = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    sockets = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    tickets = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    shards = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    gateways = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    gossips = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    inquiries = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    lingerings = SlotMap(engine: number, worker: index, firstGeneration: firstGeneration)
    events = engine.events.map { EventWriter($0.queue, worker: index) }
    events?.onFull = { [unowned self] in if !isDraining { loop.hold() } }
    loop.onWake = { [unowned self] in openMailbox() }
    loop.onTurnEnd = { [unowned self] in
      flush()
      events?.flush()
    }
    loop.onTimer = { [unowned self] in timePassed() }
  }

  /// Accepts on a bound descriptor, which this takes over. Before the loop runs, or on it.
  func listen(on descriptor: Int32, of endpoint: Endpoint) throws(Status) {
    let listener = try Listener(
      descriptor: descriptor, of: endpoint, on: loop,
      onConnection: { [unowned self] stream in accepted(stream, from: endpoint) },
      onError: { [unowned self] reason in logPeer(.warn, "a connection could not be accepted: \(reason)") })
    listeners.append(listener)
  }

  private func closeListeners() {
    for listener in listeners { listener.close() }
    listeners = []
    engine.removeSocketFiles()
  }

  /// Ends a worker whose loop never ran.
  func discard() {
    closeListeners()
    loop.close()
    loop.run()
  }

  // MARK: The thread

  /// The worker whose thread this is. A pthread key costs two loads; a task-local or a dictionary would be on every
  /// call's way.
  static var current: Worker? {
    guard let pointer = pthread_getspecific(threadKey) else { return nil }
    return Unmanaged<Worker>.fromOpaque(pointer).takeUnretainedValue()
  }

  private static let threadKey: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Runs the loop on this thread until the engine has stopped.
  func run() {
    // A write to a reset connection raises SIGPIPE on the thread that writes: blocked here, and taken back before the
    // thread's own mask returns, the host never sees one.
    var pipe = sigset_t()
    var before = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    // A host may run one engine inside a callback of another: the thread is the other's again afterwards.
    outer = Worker.current
    pthread_setspecific(Worker.threadKey, Unmanaged.passUnretained(self).toOpaque())
    loop.updateTime()
    watchLoad()
    loop.run()
    pthread_setspecific(Worker.threadKey, outer.map { Unmanaged.passUnretained($0).toOpaque() })
    outer = nil
    if sigismember(&before, SIGPIPE) == 0 {
      var none = timespec(tv_sec: 0, tv_nsec: 0)
      while sigtimedwait(&pipe, nil, &none) == SIGPIPE {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// True on a thread that is one of this engine's workers, be it below the worker of another engine that runs in a
  /// callback.
  static func isOn(_ engine: Engine) -> Bool {
    var worker = current
    while let here = worker {
      if here.engine === engine { return true }
      worker = here.outer
    }
    return false
  }

  var isHere: Bool { Worker.current === self }

  @inline(__always)
  func assertHere() { assert(isHere, "called off its worker's thread") }

  var now: UInt64 { loop.now }

  var log: Log { engine.log }

  /// A line about what an outsider did: limited, so that an attack cannot fill a disk. Where it is called is its topic,
  /// `about` tells several apart that one place has.
  func logPeer(
    _ level: LogLevel, _ text: @autoclosure () -> String, about reason: Int = 0, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    guard level <= log.level, log.write != nil else { return }
    let topic = LogLimiter.Topic(place: UInt(bitPattern: file.utf8Start), line: line, reason: reason)
    guard let suppressed = logLimiter.admit(topic, now: now) else { return }
    log(level, suppressed == 0 ? text() : "\(text()) (and \(suppressed) lines like it were left out)")
  }

  // MARK: Mail

  /// Runs `body` on this worker's thread, after all that was sent from here before. Any thread. False when the worker
  /// has ended.
  @discardableResult
  func post(_ body: @escaping @Sendable (Worker) -> Void) -> Bool { send(.run(body)) }

  @discardableResult
  func send(_ letter: Letter, bytes: Int = 0) -> Bool {
    switch mailbox.send(letter, bytes: bytes) {
    case .first:
      loop.wake()
      return true
    case .queued: return true
    case .closed: return false
    }
  }

  private func openMailbox() {
    assertHere()
    mailbox.takeAll(into: &letters)
    for letter in letters {
      switch letter {
      case .run(let body): body(self)
      case .broadcast(let gateway, let frame): gateway.slice(on: self)?.deliver(frame)
      case .broadcastEncoded(let gateway, let message):
        gateway.slice(on: self)?.deliver(message, excluding: nil)
      }
    }
    letters.removeAll(keepingCapacity: letters.count < 4096)
  }

  // MARK: The end of a turn

  /// Writes what this turn has queued: each dirty socket once.
  private func flush() {
    // A failed write closes a socket, and an onclose or ondrain may send more. What a few rounds leave waits for the
    // next turn, so that a host that always sends more does not keep this worker from everybody else.
    var rounds = 0
    while !dirtySlices.isEmpty || !dirtySockets.isEmpty || !dirtyConnections.isEmpty {
      rounds += 1
      guard rounds <= Worker.flushRoundsMax else { return loop.wake() }
      var slices: [ClusterSlice] = []
      swap(&slices, &dirtySlices)
      for slice in slices { slice.flush() }
      var sockets: [WebSocket] = []
      swap(&sockets, &dirtySockets)
      for socket in sockets { socket.flush() }
      var connections: [HTTPConnection] = []
      swap(&connections, &dirtyConnections)
      for connection in connections { connection.flush() }
      // The arrays' storage serves the next turn.
      if dirtySlices.isEmpty {
        slices.removeAll(keepingCapacity: true)
        swap(&slices, &dirtySlices)
      }
      if dirtySockets.isEmpty {
        sockets.removeAll(keepingCapacity: true)
        swap(&sockets, &dirtySockets)
      }
      if dirtyConnections.isEmpty {
        connections.removeAll(keepingCapacity: true)
        swap(&connections, &dirtyConnections)
      }
    }
  }

  // MARK: Time

  /// Has the object of this handle told when `time` comes, not before and at most a tick after. There is no taking
  /// back: the object looks whether it still cares.
  func remind(_ handle: Handle, at time: UInt64) {
    wheel.insert(handle.rawValue, at: time, now: now)
    setTimer()
  }

  /// The time at which a stop's grace is over is kept apart from the wheel: it is no object's.
  func setStopDeadline() {
    stopDeadline = engine.stopping.hasDeadline ? engine.stopping.deadline : nil
    setTimer()
  }

  func setTimer() {
    let reminder = wheel.nextDue(after: now)
    guard let next = [reminder, stopDeadline, nextLook].compactMap(\.self).min() else { return }
    if let timerAt, timerAt <= next { return }
    timerAt = next
    loop.setTimer(at: next)
  }

  private func timePassed() {
    timerAt = nil
    let now = self.now
    due.removeAll(keepingCapacity: true)
    wheel.advance(to: now, into: &due)
    var index = 0
    while index < due.count {
      remindNow(Handle(rawValue: due[index]), now)
      index += 1
    }
    if let stopDeadline, stopDeadline <= now { stopDeadlineCame(now) }
    lookAtLoad(now)
    setTimer()
  }

  private func remindNow(_ handle: Handle, _ now: UInt64) {
    switch handle.kind {
    case .connection: connections.find(handle)?.deadlineCame(now)
    case .socket: sockets.find(handle)?.deadlineCame(now)
    case .gateway: gateways.find(handle)?.sweep(now)
    case .clusterize: if let ticket = tickets.find(handle) { ticket.clusterizeTimedOut(on: self) }
    case .gossip: gossips.find(handle)?.deadlineCame()
    case .inquiry: inquiries.find(handle)?.deadlineCame()
    case .lingering: lingerings.find(handle)?.deadlineCame()
    case .shard, .fetch, .identify, .receive, .waiting, nil: break
    }
  }

  // MARK: Stopping

  /// No new connections; those without a request in flight end, sockets are closed with 1001.
  func drain() {
    assertHere()
    guard !isDraining else { return }
    isDraining = true
    // To hear of who closes. Messages are none of it any more.
    loop.goOn()
    stopWatchingLoad()
    closeListeners()
    connections.forEach { $0.drain() }
    sockets.forEach {
      _ = $0.close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// Resets whatever is open.
  func abort() {
    assertHere()
    isAborting = true
    connections.forEach { $0.abort() }
    sockets.forEach { $0.abort() }
    lingerings.forEach { $0.abort() }
  }

  /// Ends the objects that hold no connection: every Shard gets onstop.
  func windDown() {
    assertHere()
    inquiries.forEach { $0.cancel() }
    tickets.forEach { $0.cancel(on: self) }
    for stream in streams.close() { stream.conclude(.gone) }
    shards.forEach { $0.stop() }
    gateways.forEach { $0.end() }
  }

  /// Lets the loop end once its handles are closed. What is in the mail is let go.
  func exit() {
    assertHere()
    // Every onclose and onstop is called before.
    guard !callouts.mustWait else { return _ = post { $0.exit() } }
    events?.flush()
    loop.close()
    _ = mailbox.close()
  }

  /// Lets go of questions that another thread has claimed and whose answer came too late: they hold this worker. When
  /// its own thread has ended and no such answer is under way any more.
  func letGoOfClaimed() {
    tickets.forEach { tickets.remove($0.handle) }
    gossips.forEach { $0.end(.gone, []) }
  }
}
