import CUV
import Synchronization

/// One running DOG: workers, listeners, classes, limits.
///
/// Classes, routes and listeners are added first, on one thread at a time; `start` or `run` fixes them. It lives until
/// `destroy`, even if nobody else refers to it.
///
/// `@unchecked Sendable`: `definitions` is written under its lock and only before the start, `workers` once at the
/// start; the rest is immutable or atomic.
public final class Engine: @unchecked Sendable {
  let number: Int
  let incarnation: UInt
  let options: Options
  let log: Log
  let workerCount: Int

  struct Definitions {
    var gateways: [GatewayClass] = []
    var shards: [ShardClass] = []
    /// For each Gateway class the index of its Shard class; filled at the start.
    var children: [Int] = []
    var router = Router()
    var routes: [(pattern: RoutePattern, gatewayClass: String, name: Name?)] = []
    var fetch: (@Sendable (Engine, RequestHandle) throws -> Void)?
    var ports: [BoundPort] = []
    /// All that were ever bound, as long as the engine lives.
    var tlsListeners: [TLSListener] = []
    var socketFiles: [SocketFile] = []
  }

  let lifecycle = Lifecycle()
  let building = Lock(Definitions())
  /// As they were at the start; read by the workers.
  private(set) var definitions = Definitions()
  private(set) var workers: [Worker] = []
  /// The same, to be reached without a count of references.
  private var workerList: UnsafeMutableBufferPointer<Unmanaged<Worker>> = .init(start: nil, count: 0)
  private let homeKey = UInt64.random(in: 0...UInt64.max)

  let directory = Directory()
  /// TCP connections open, in transit between workers included.
  let connections = Atomic<Int>(0)
  /// The connections that were let in. Refused ones do not count, or a client that is refused often would keep
  /// everybody else out.
  let admittedConnections = Atomic<Int>(0)
  /// Gateways that are alive, and the Shards of all of them, coming ones included.
  let gatewayCount = Atomic<Int>(0)
  let shardCount = Atomic<Int>(0)
  let trustedProxies: TrustedProxies
  /// Nil if an address may have any number of connections.
  let addressCounts: AddressCounts?
  /// Written by worker 0: nobody new is let in.
  let isShortOfMemory = Atomic<Bool>(false)
  /// Set if the host takes events; nil: it is called.
  let events: HostEvents?
  /// Decides each phase of a stop. Used on worker 0 alone.
  var stopping = StopSequence()

  public static func make(_ options: Options) throws(Status) -> Engine {
    func refused(_ reason: String) -> Status {
      Log(level: options.logLevel, write: options.log)(.error, reason)
      return .invalid.because(reason)
    }
    if let (name, fault) = options.firstFault { throw refused("option \(name) is out of its range: \(fault)") }
    let trusted: TrustedProxies
    do {
      trusted = try TrustedProxies(options.trustedProxies)
    } catch {
      throw refused("option trusted_proxies has an entry that is no address, network or \"unix\": \"\(error.text)\"")
    }
    let events =
      options.delivery == .events
      ? HostEvents(try EventQueue(countMax: options.eventsMax, bytesMax: options.eventBytesMax)) : nil
    return try EngineTable.add { number, incarnation in
      Engine(options: options, trustedProxies: trusted, events: events, number: number, incarnation: incarnation)
    }
  }

  private init(
    options: Options, trustedProxies: TrustedProxies, events: HostEvents?, number: Int, incarnation: UInt
  ) {
    self.options = options
    self.trustedProxies = trustedProxies
    self.events = events
    addressCounts =
      options.connectionsPerAddressMax > 0 ? AddressCounts(max: options.connectionsPerAddressMax) : nil
    self.number = number
    self.incarnation = incarnation
    log = Log(level: options.logLevel, write: options.log ?? events?.log)
    workerCount = options.workers > 0 ? options.workers : Engine.processors
    events?.queue.onRoom = { [unowned self] in workers[$0].post { $0.loop.goOn() } }
  }

  /// The processors that this process may use. Whether libuv counts the quota depends on its version.
  private static var processors: Int {
    let allowed = Int(uv_available_parallelism())
    return min(max(min(allowed, CPUQuota.read() ?? allowed), 1), Options.workersMax)
  }

  /// A thread that answers holds the engine meanwhile, so no answer is under way now.
  deinit {
    for worker in workers { worker.tables.letGoOfClaimed() }
    workerList.deallocate()
  }

  /// The worker of this index, for as long as the engine lives. Any thread. Nil: there is none, or the engine was not
  /// started.
  @inline(__always)
  func startedWorker(_ index: Int) -> Unmanaged<Worker>? {
    lifecycle.wasStarted && index < workerList.count ? workerList[index] : nil
  }

  // MARK: Before the start

  public func define(_ gateway: GatewayClass) throws(Status) {
    try edit { definitions throws(Status) in
      if let fault = gateway.fault { throw .invalid.because("Gateway class \(gateway.name): \(fault)") }
      guard !definitions.gateways.contains(where: { $0.name == gateway.name }) else {
        throw .exists.because("there is a Gateway class \(gateway.name) already")
      }
      definitions.gateways.append(gateway)
    }
  }

  public func define(_ shard: ShardClass) throws(Status) {
    try edit { definitions throws(Status) in
      if let fault = shard.fault { throw .invalid.because("Shard class \(shard.name): \(fault)") }
      guard !definitions.shards.contains(where: { $0.name == shard.name }) else {
        throw .exists.because("there is a Shard class \(shard.name) already")
      }
      var shard = shard
      do throws(OriginList.NotAnOrigin) {
        if let origins = shard.origins { shard.originList = try OriginList(origins) }
      } catch {
        throw refused(.invalid, "Shard class \(shard.name): not an origin: \"\(error.entry)\"")
      }
      definitions.shards.append(shard)
    }
  }

  /// Sends requests whose path matches `pattern` to a Gateway: the one that its `:parameter` names, or `name`.
  public func route(_ pattern: String, to gatewayClass: String, name: String? = nil) throws(Status) {
    guard let parsed = RoutePattern(pattern) else {
      throw .invalid.because(
        "route \"\(pattern)\": it begins with '/' and has one :parameter at most, which has a name")
    }
    guard parsed.hasParameter == (name == nil) else {
      let fault = name == nil ? "has no :parameter, so it needs a name" : "has a :parameter, so it takes no name"
      throw .invalid.because("route \"\(pattern)\": it \(fault)")
    }
    if let name, let fault = Name.fault(of: name, as: "name") {
      throw .invalid.because("route \"\(pattern)\": \(fault)")
    }
    let fixed = name.flatMap { Name($0) }
    try edit { definitions throws(Status) in
      definitions.routes.append((parsed, gatewayClass, fixed))
    }
  }

  /// Answers requests that match no route; called on the worker that accepted the connection. Without it such a request
  /// gets 404.
  public func onFetch(_ fetch: @escaping @Sendable (Engine, RequestHandle) throws -> Void) throws(Status) {
    try edit { definitions throws(Status) in definitions.fetch = fetch }
  }

  func edit<Result>(_ body: (inout Definitions) throws(Status) -> Result) throws(Status) -> Result {
    guard !EngineTable.isForked else { throw .forked }
    return try building.withLock { definitions throws(Status) in
      // Under the lock: a thread that starts or ends the engine says so first, and takes what was built after that.
      guard lifecycle.isNew else { throw .wrongState.because("the engine was started, or has ended") }
      return try body(&definitions)
    }
  }

  /// Refuses a call: the reason goes to the caller and to the log.
  func refused(_ status: Status, _ reason: String) -> Status {
    log(.error, reason)
    return status.because(reason)
  }

  // MARK: At the start

  /// Checks what was defined, makes the workers and hands each its listeners. Nothing runs yet.
  func build() throws(Status) {
    var definitions = building.withLock { $0 }
    for gateway in definitions.gateways {
      guard let child = definitions.shards.firstIndex(where: { $0.name == gateway.child }),
        definitions.shards[child].parent == gateway.name
      else {
        throw refused(
          .notFound, "Gateway class \(gateway.name) and its child \(gateway.child) are not linked to one another")
      }
      definitions.children.append(child)
    }
    for shard in definitions.shards where !definitions.gateways.contains(where: { $0.name == shard.parent }) {
      throw refused(.notFound, "Shard class \(shard.name) has a parent that is not defined: \(shard.parent)")
    }
    for route in definitions.routes {
      guard let index = definitions.gateways.firstIndex(where: { $0.name == route.gatewayClass }) else {
        throw refused(.notFound, "a route goes to a Gateway class that is not defined: \(route.gatewayClass)")
      }
      definitions.router.routes.append(
        Router.Route(pattern: route.pattern, gatewayClass: index, name: route.name))
    }
    self.definitions = definitions
    let firstGeneration = UInt32.random(in: 1...Handle.generationMax / 2)
    var workers: [Worker] = []
    do {
      for index in 0..<workerCount {
        workers.append(try Worker(index: index, engine: self, firstGeneration: firstGeneration))
      }
    } catch {
      for worker in workers { worker.discard() }
      throw error
    }
    // From here on the listeners own the descriptors: each takes its own over, even if it fails.
    building.withLock { $0.ports = [] }
    self.definitions.ports = []
    var failure: Status?
    for worker in workers {
      for port in definitions.ports {
        do { try worker.listen(on: port.descriptors[worker.index], of: port.endpoint) } catch { failure = error }
      }
    }
    if let failure {
      for worker in workers { worker.discard() }
      throw failure
    }
    self.workers = workers
    workerList = .allocate(capacity: workers.count)
    _ = workerList.initialize(from: workers.map { Unmanaged.passUnretained($0) })
  }

  // MARK: While it runs

  /// The worker that a Gateway lives on. Keyed, so that nobody outside can choose names that all live on one.
  func home(of key: GatewayKey) -> Worker {
    // The upper half: the lower one is for the tables of one worker.
    let mixed = (key.hash ^ homeKey) &* 0xd6e8_feb8_6659_fd93
    return workers[Int(truncatingIfNeeded: ((mixed &>> 32) &* UInt64(workers.count)) &>> 32)]
  }

  func gatewayClass(named name: String) -> Int? { definitions.gateways.firstIndex { $0.name == name } }

  /// The Gateway of that name, if it is alive. Any thread.
  public func gateway(_ gatewayClass: String, _ name: String) -> GatewayHandle? {
    guard lifecycle.wasStarted, let index = self.gatewayClass(named: gatewayClass), let name = Name(name) else {
      return nil
    }
    return directory.find(GatewayKey(gatewayClass: index, name: name)).map { GatewayHandle($0.handle) }
  }

  public var stats: EngineStats {
    var stats = EngineStats()
    stats.connections = connections.load(ordering: .relaxed)
    guard lifecycle.wasStarted else { return stats }
    func sum(_ counter: Counters.Counter) -> Int { max(0, workers.reduce(0) { $0 + $1.counters.value(counter) }) }
    stats.sockets = sum(.sockets)
    stats.requests = sum(.requests)
    stats.gateways = sum(.gateways)
    stats.shards = sum(.shards)
    stats.places = sum(.places)
    stats.connectionsTotal = sum(.connectionsTotal)
    stats.requestsTotal = sum(.requestsTotal)
    stats.messagesIn = sum(.messagesIn)
    stats.messagesOut = sum(.messagesOut)
    stats.bytesIn = sum(.bytesIn)
    stats.bytesOut = sum(.bytesOut)
    stats.dropped = sum(.dropped)
    stats.refused = sum(.refused)
    stats.rateLimited = sum(.rateLimited)
    stats.events = events?.queue.count ?? 0
    return stats
  }
}
