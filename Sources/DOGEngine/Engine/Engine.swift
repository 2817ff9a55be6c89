import CUV
import Synchronization

/// One running DOG: workers, listeners, classes, limits.
///
/// Classes, routes and listeners are added first, on one thread at a time; `start` or `run` fixes them. It lives until
/// `destroy`, whoever holds it.
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
    /// All that were ever bound, for as long as the engine lives.
    var tlsListeners: [TLSListener] = []
    var socketFiles: [SocketFile] = []
  }

  let lifecycle = Lifecycle()
  let building = Lock(Definitions())
  /// As they were at the start; read by the workers.
  private(set) var definitions = Definitions()
  private(set) var workers: [Worker] = []

  let directory = Directory()
  /// TCP connections open, in transit between workers included.
  let connections = Atomic<Int>(0)
  /// Those of them that were let in. Not one that waits to be told that it is refused, or who is refused a lot would
  /// keep everybody else out.
  let admittedConnections = Atomic<Int>(0)
  /// Gateways alive.
  let gatewayCount = Atomic<Int>(0)
  let trustedProxies: TrustedProxies
  /// Nil where an address may have any number of connections.
  let addressCounts: AddressCounts?
  /// Written by worker 0: nobody new is let in.
  let isShortOfMemory = Atomic<Bool>(false)
  /// Where the host takes events; nil: it is called.
  let events: HostEvents?
  /// Decides each phase of a stop. Used on worker 0 alone.
  var stopping = StopSequence()

  public static func make(_ options: Options) throws(Status) -> Engine {
    if let member = options.firstInvalid {
      Log(level: options.logLevel, write: options.log)(.error, "option \(member) is out of its range")
      throw .invalid
    }
    let trusted: TrustedProxies
    do {
      trusted = try TrustedProxies(options.trustedProxies)
    } catch {
      Log(level: options.logLevel, write: options.log)(
        .error, "option trusted_proxies has an entry that is no address, network or \"unix\": \"\(error.text)\"")
      throw .invalid
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
    workerCount =
      options.workers > 0 ? options.workers : min(max(Int(uv_available_parallelism()), 1), Options.workersMax)
    events?.queue.onRoom = { [unowned self] in workers[$0].post { $0.loop.goOn() } }
  }

  /// Who answers from another thread holds the engine meanwhile, so by now nobody does.
  deinit { for worker in workers { worker.letGoOfClaimed() } }

  // MARK: Before the start

  public func define(_ gateway: GatewayClass) throws(Status) {
    try edit { definitions throws(Status) in
      guard gateway.isValid else { throw .invalid }
      guard !definitions.gateways.contains(where: { $0.name == gateway.name }) else { throw .exists }
      definitions.gateways.append(gateway)
    }
  }

  public func define(_ shard: ShardClass) throws(Status) {
    try edit { definitions throws(Status) in
      guard shard.isValid else { throw .invalid }
      guard !definitions.shards.contains(where: { $0.name == shard.name }) else { throw .exists }
      var shard = shard
      do throws(OriginList.NotAnOrigin) {
        if let origins = shard.origins { shard.originList = try OriginList(origins) }
      } catch {
        log(.error, "Shard class \(shard.name): not an origin: \"\(error.entry)\"")
        throw .invalid
      }
      definitions.shards.append(shard)
    }
  }

  /// Sends requests whose path matches `pattern` to a Gateway: the one that its `:parameter` names, or `name`.
  public func route(_ pattern: String, to gatewayClass: String, name: String? = nil) throws(Status) {
    guard let parsed = RoutePattern(pattern), parsed.hasParameter == (name == nil) else { throw .invalid }
    var fixed: Name?
    if let name {
      guard let valid = Name(name) else { throw .invalid }
      fixed = valid
    }
    let name = fixed
    try edit { definitions throws(Status) in
      definitions.routes.append((parsed, gatewayClass, name))
    }
  }

  /// Answers what no route takes; called on the worker that accepted the connection. Without it such a request is 404.
  public func onFetch(_ fetch: @escaping @Sendable (Engine, RequestHandle) throws -> Void) throws(Status) {
    try edit { definitions throws(Status) in definitions.fetch = fetch }
  }

  func edit<Result>(_ body: (inout Definitions) throws(Status) -> Result) throws(Status) -> Result {
    guard !EngineTable.isForked else { throw .forked }
    guard lifecycle.isNew else { throw .wrongState }
    return try building.withLock { definitions throws(Status) in try body(&definitions) }
  }

  // MARK: At the start

  /// Checks what was defined, makes the workers and hands each its listeners. Nothing runs yet.
  func build() throws(Status) {
    var definitions = building.withLock { $0 }
    for gateway in definitions.gateways {
      guard let child = definitions.shards.firstIndex(where: { $0.name == gateway.child }),
        definitions.shards[child].parent == gateway.name
      else {
        log(.error, "Gateway class \(gateway.name) and its child \(gateway.child) are not linked to one another")
        throw .notFound
      }
      definitions.children.append(child)
    }
    for shard in definitions.shards where !definitions.gateways.contains(where: { $0.name == shard.parent }) {
      log(.error, "Shard class \(shard.name) has a parent that is not defined: \(shard.parent)")
      throw .notFound
    }
    for route in definitions.routes {
      guard let index = definitions.gateways.firstIndex(where: { $0.name == route.gatewayClass }) else {
        log(.error, "a route goes to a Gateway class that is not defined: \(route.gatewayClass)")
        throw .notFound
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
    // From here on the listeners own the descriptors: each takes its own over, also when it fails.
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
  }

  // MARK: While it runs

  /// The worker that a Gateway lives on.
  func home(of key: GatewayKey) -> Worker {
    // FNV-1a: the same name has the same home in every run, as Swift's seeded hash would not.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key.name.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return workers[Int((hash ^ hash >> 32) % UInt64(workers.count))]
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
