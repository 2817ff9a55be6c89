import Testing

@testable import DOGEngine

/// A host that notes what it is called for and then does what the test says; by default it lets everybody in, names
/// each by the query parameter `uid`, upgrades who asks for it and answers the others with its Shard's id.
struct TestHost: Sendable {
  typealias Journal = Watched<[String]>

  var limit = 100
  var stickySeconds = 300
  var stickyMax = 65_536
  var idleSeconds = 60
  var placement = PlacementPolicy.leastUtilised
  var connectionsMax = 0
  var listening = ListenOptions()
  var options = Options()
  var deflate: DeflateSettings?
  var origins: [String]?

  var startsLater = false
  var onstart: @Sendable (ShardHandle) throws -> Void = { _ in }
  var identify: @Sendable (RequestHandle) throws -> Void = { $0.identify(TestHost.uid(of: $0)) }
  var clusterize: (@Sendable (RequestHandle) throws -> Void)?
  var receive: @Sendable (ShardHandle, RequestHandle) throws -> Void = { TestHost.welcome($0, $1) }
  var onopen: @Sendable (ShardHandle, SocketHandle) throws -> Void = { _, _ in }
  var onmessage: @Sendable (ShardHandle, SocketHandle, Message) throws -> Void = { _, _, _ in }
  var onclose: @Sendable (ShardHandle, SocketHandle, Close) -> Void = { _, _, _ in }
  var onerror: @Sendable (ShardHandle, SocketHandle, Status) -> Void = { _, _, _ in }
  var ondrain: @Sendable (ShardHandle, SocketHandle, Int) -> Void = { _, _, _ in }
  var ongossip: (@Sendable (ShardHandle, GossipHandle, UnsafeRawBufferPointer) throws -> Void)?
  var onstop: @Sendable (ShardHandle) -> Void = { _ in }

  /// What the host was called for, in order: "open ann", "message ann hello", "close ann 1000 clean", ...
  let journal = Journal([])
  /// Every Shard and Gateway that was made.
  let shards = Watched<[ShardHandle]>([])
  let gateways = Watched<[GatewayHandle]>([])
  /// Every socket that was opened, by its uid.
  let sockets = Watched<[String: SocketHandle]>([:])

  init(workers: Int = 1) {
    options.workers = workers
    options.logLevel = .error
  }

  static func uid(of request: RequestHandle) -> String {
    String(decoding: request.request?.query("uid") ?? [UInt8]("somebody".utf8), as: UTF8.self)
  }

  static func welcome(_ shard: ShardHandle, _ request: RequestHandle) {
    if request.request?.header("upgrade") != nil {
      request.connect()
    } else {
      request.respond(status: 200, body: shard.id?.description ?? "")
    }
  }

  func note(_ line: String) { journal.change { $0.append(line) } }

  /// Waits for a line; false when it does not come.
  func saw(_ line: String, times: Int = 1) -> Bool {
    journal.wait { lines in lines.count { $0 == line } >= times }
  }

  /// What was noted of one uid.
  func lines(of uid: String) -> [String] {
    journal.now.filter { $0.split(separator: " ").dropFirst().first == Substring(uid) }
  }
}

private final class HookedGateway: Gateway {
  private let host: TestHost
  init(_ host: TestHost) { self.host = host }

  func identify(_ request: RequestHandle) throws {
    host.note("identify \(TestHost.uid(of: request))")
    try host.identify(request)
  }

  func clusterize(_ request: RequestHandle) throws {
    host.note("clusterize")
    try host.clusterize?(request)
  }
}

private final class HookedShard: Shard {
  private let host: TestHost
  private let shard: ShardHandle
  private var uids: [SocketHandle: String] = [:]

  init(_ host: TestHost, _ shard: ShardHandle) {
    self.host = host
    self.shard = shard
  }

  func onstart() throws {
    host.note("start")
    host.shards.change { $0.append(shard) }
    try host.onstart(shard)
  }

  func receive(_ request: RequestHandle) throws {
    host.note("receive \(request.uid?.description ?? "nobody")")
    try host.receive(shard, request)
  }

  func onopen(_ socket: SocketHandle) throws {
    let uid = socket.uid?.description ?? "nobody"
    uids[socket] = uid
    host.sockets.change { $0[uid] = socket }
    host.note("open \(uid)")
    try host.onopen(shard, socket)
  }

  func onmessage(_ socket: SocketHandle, _ message: Message) throws {
    host.note("message \(uids[socket] ?? "unopened") \(message.text)")
    try host.onmessage(shard, socket, message)
  }

  func onclose(_ socket: SocketHandle, _ close: Close) {
    host.onclose(shard, socket, close)
    host.note("close \(uids[socket] ?? "unopened") \(close.code) \(close.isClean ? "clean" : "unclean")")
  }

  func onerror(_ socket: SocketHandle, _ error: Status) {
    host.onerror(shard, socket, error)
    host.note("error \(uids[socket] ?? "unopened") \(error.name)")
  }

  func ondrain(_ socket: SocketHandle, dropped: Int) {
    host.ondrain(shard, socket, dropped)
    host.note("drain \(uids[socket] ?? "unopened")")
  }

  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws {
    guard let ongossip = host.ongossip else { throw Status.noHandler }
    try ongossip(shard, gossip, question)
  }

  func onstop() {
    host.onstop(shard)
    host.note("stop")
  }
}

extension TestHost {
  /// Makes an engine of this host, not started: "/room/x" goes to the Gateway x.
  func make() throws -> (engine: Engine, port: UInt16) {
    let engine = try Engine.make(options)
    var gateway = GatewayClass(name: "Room", child: "RoomShard", limit: limit) { handle in
      gateways.change { $0.append(handle) }
      return HookedGateway(self)
    }
    gateway.stickySeconds = stickySeconds
    gateway.stickyMax = stickyMax
    gateway.idleSeconds = idleSeconds
    gateway.placement = placement
    gateway.connectionsMax = connectionsMax
    gateway.clusterizes = clusterize != nil
    try engine.define(gateway)
    var shard = ShardClass(name: "RoomShard", parent: "Room") { HookedShard(self, $0) }
    shard.origins = origins
    shard.startsLater = startsLater
    shard.deflate = deflate
    try engine.define(shard)
    try engine.route("/room/:name", to: "Room")
    return (engine, try engine.listen(listening))
  }

  /// Runs an engine of this host for the length of `body`, then ends it and sees that nothing is left of it.
  func run(_ body: (Engine, UInt16) throws -> Void) throws {
    weak var left: Engine?
    do {
      let (engine, port) = try make()
      left = engine
      defer { engine.destroy() }
      try engine.start()
      try body(engine, port)
    }
    #expect(eventually { left == nil }, "an engine was leaked")
  }
}

extension Engine {
  /// Returns when each worker has been through a whole turn: it has read what its sockets had for it at the call.
  func passTurns() {
    for worker in workers {
      // A turn that takes a letter may have looked at its sockets before that came; the turn after it has not.
      for _ in 0..<2 {
        let isTaken = Gate()
        worker.post { _ in isTaken.open() }
        isTaken.pass()
      }
    }
  }

  /// Waits until nothing is open, waits or is taken.
  func isQuiet() -> Bool {
    eventually {
      let stats = stats
      return stats.connections == 0 && stats.sockets == 0 && stats.requests == 0 && stats.places == 0
    }
  }
}

extension String {
  /// Lends the bytes.
  func with<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    var text = self
    return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
  }
}

/// The engine over real sockets, one test at a time: some of them count threads and descriptors.
@Suite(.serialized) enum EngineTests {}
