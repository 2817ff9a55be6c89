import ArgumentParser
import DOGEngine
import Glibc

/// A chat room on the Swift API of the engine. Every room is a Gateway; its Shards hold `--limit` people each.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Serve a chat room that shows what an engine does.")

  @Option(help: "The numeric address to listen on.") var host = "127.0.0.1"
  @Option(help: "The TCP port; 0 takes a free one.") var port: UInt16 = 8787
  @Option(help: "People that one Shard holds; the next one makes another Shard.") var limit = 2
  @Option(help: "Worker threads; 0 for one per processor.") var workers = 0
  @Option(help: "How much of the engine's log goes to stderr.") var logLevel = LogChoice.warn

  @Option(help: "The certificate and its chain (PEM), with --tls-key: https and wss. SIGHUP reads both again.")
  var tlsCert: String?
  @Option(help: "Its key (PEM).") var tlsKey: String?
  @Option(help: "A Unix-domain socket in place of host and port.") var unix: String?

  func validate() throws {
    guard (tlsCert == nil) == (tlsKey == nil) else { throw ValidationError("--tls-cert and --tls-key go together.") }
    guard (1...1_000_000).contains(limit) else { throw ValidationError("--limit is 1 to 1000000.") }
    guard (0...Options.workersMax).contains(workers) else {
      throw ValidationError("--workers is 0 to \(Options.workersMax).")
    }
  }

  func run() throws {
    // Blocked before any thread is made, so that all inherit it: `sigwait` below takes the signals.
    var ending = sigset_t()
    sigemptyset(&ending)
    sigaddset(&ending, SIGINT)
    sigaddset(&ending, SIGTERM)
    if tlsCert != nil { sigaddset(&ending, SIGHUP) }
    pthread_sigmask(SIG_BLOCK, &ending, nil)

    let engine = try makeEngine()
    let bound: UInt16
    do {
      bound = try engine.listen(listening)
      try engine.start()
    } catch {
      engine.destroy()
      throw failed("cannot listen on \(unix ?? "\(host) port \(port)"): \(error)")
    }
    let shownHost = host.contains(":") ? "[\(host)]" : host
    let place = unix.map { "unix:\($0)" } ?? "\(shownHost):\(bound)"
    Output.line("listening on \(tlsCert == nil ? "http" : "https")://\(place)")
    Output.line("Open it in two or three windows: each Shard holds \(limit). Ctrl-C ends it.")

    var signal: Int32 = 0
    repeat {
      sigwait(&ending, &signal)
      if signal == SIGHUP, engine.reloadCertificates().isOK { Output.error("certificates read again") }
    } while signal == SIGHUP
    engine.stop(graceMs: 5000)
    engine.destroy()
  }

  /// A message on stderr and exit code 1.
  private func failed(_ message: String) -> ExitCode {
    Output.error("dog-host: \(message)")
    return ExitCode(1)
  }

  private var listening: ListenOptions {
    var options = ListenOptions()
    options.host = host
    options.port = port
    options.path = unix
    if let tlsCert, let tlsKey { options.certificates = [Certificate(certificateFile: tlsCert, keyFile: tlsKey)] }
    return options
  }

  private func makeEngine() throws -> Engine {
    var options = Options()
    options.workers = workers
    options.logLevel = logLevel.level
    options.log = { level, line in Output.error("\(level): \(line)") }
    let engine = try Engine.make(options)
    try engine.define(GatewayClass(name: "Room", child: "RoomShard", limit: limit) { _ in RoomGateway() })
    try engine.define(ShardClass(name: "RoomShard", parent: "Room") { RoomShard($0) })
    for path in ["/ws", "/broadcast", "/emit", "/whisper"] { try engine.route(path, to: "Room", name: "lobby") }
    try engine.route("/rooms/:room", to: "Room")
    try engine.onFetch { engine, request in try Pages.fetch(engine, request) }
    return engine
  }
}

/// The levels by name, as the command line has them.
enum LogChoice: String, ExpressibleByArgument, CaseIterable {
  case error, warn, info, debug

  var level: LogLevel {
    switch self {
    case .error: .error
    case .warn: .warn
    case .info: .info
    case .debug: .debug
    }
  }
}
