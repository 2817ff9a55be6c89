import DOGEngine
import Glibc
import Synchronization

/// The conformance host (../HOST.md) on the Swift face of the engine.
@main
struct ConformanceHost {
  static func main() throws {
    // Blocked before any thread is made, so that all inherit it: the signal is for `sigwait` below.
    var ending = sigset_t()
    sigemptyset(&ending)
    sigaddset(&ending, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &ending, nil)

    let engine = try Engine.make(options(CommandLine.arguments))
    try engine.define(GatewayClass(name: "Room", child: "RoomShard", limit: 2) { HostGateway($0) })
    var pool = GatewayClass(name: "Pool", child: "PoolShard", limit: 1) { HostGateway($0) }
    pool.stickySeconds = 0
    pool.idleSeconds = 1
    pool.clusterizes = true
    try engine.define(pool)
    try engine.define(ShardClass(name: "RoomShard", parent: "Room") { [unowned engine] in HostShard($0, of: engine) })
    try engine.define(ShardClass(name: "PoolShard", parent: "Pool") { [unowned engine] in HostShard($0, of: engine) })
    try engine.route("/room/:name", to: "Room")
    try engine.route("/pool/:name", to: "Pool")
    try engine.route("/lobby", to: "Room", name: "lobby")
    try engine.onFetch { try Fetch.answer($1, $0) }
    let port = try engine.listen(port: 0)
    try engine.start()
    write("listening on \(port)", to: STDOUT_FILENO)

    var signal: Int32 = 0
    sigwait(&ending, &signal)
    engine.stop(graceMs: 2000)
    engine.destroy()
    write("stopped \(Account.text)", to: STDOUT_FILENO)
  }

  private static func options(_ arguments: [String]) -> Options {
    var options = Options()
    options.workers = 2
    options.messageBytesMax = 65_536
    options.outboxBytesMax = outboxBytesMax
    options.log = { _, line in Self.write(line, to: STDERR_FILENO) }
    for (name, value) in zip(arguments.dropFirst(), arguments.dropFirst(2)) {
      if name == "--workers", let count = Int(value) { options.workers = count }
      if name == "--deadline", let milliseconds = UInt64(value) {
        options.identifyTimeoutMs = milliseconds
        options.receiveTimeoutMs = milliseconds
      }
    }
    return options
  }

  static let outboxBytesMax = 262_144

  /// At once, and in one piece: lines as short as these always go whole.
  private static func write(_ line: String, to descriptor: Int32) {
    (line + "\n").withBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}

/// How often was called what begins and ends something.
enum Account {
  static let opened = Atomic(0)
  static let closed = Atomic(0)
  static let started = Atomic(0)
  static let ended = Atomic(0)

  static var text: String {
    "opened=\(opened.load(ordering: .relaxed)) closed=\(closed.load(ordering: .relaxed)) "
      + "started=\(started.load(ordering: .relaxed)) ended=\(ended.load(ordering: .relaxed))"
  }

  static func count(_ number: borrowing Atomic<Int>) { number.add(1, ordering: .relaxed) }
}
