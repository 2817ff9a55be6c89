import DOGEngine
import Glibc

/// A chat with a room for each name in the path: `chat [PORT]`, 8787 where none is given, 0 for a free one.
///
///     ws://127.0.0.1:8787/rooms/den?u=ann     a text goes to everybody in the room; "/w bob psst" to bob alone
///     http://127.0.0.1:8787/rooms/den         how many are in the room
@main
struct Chat {
  static func main() {
    do {
      try serve(port: CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8787)
    } catch {
      // The log has said why already.
      say("chat: \(error)", to: STDERR_FILENO)
      exit(1)
    }
  }

  private static func serve(port: UInt16) throws(Status) {
    // Blocked before the engine makes threads, so that they have these signals blocked as well and sigwait gets them.
    var ending = sigset_t()
    sigemptyset(&ending)
    sigaddset(&ending, SIGINT)
    sigaddset(&ending, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &ending, nil)

    var options = Options()
    options.log = { level, line in say("\(level): \(line)", to: STDERR_FILENO) }
    options.messageBytesMax = 16_384
    options.idleTimeoutMs = 600_000

    let engine = try Engine.make(options)
    try engine.define(GatewayClass(name: "Room", child: "Seats", limit: 100) { Room($0) })
    try engine.define(ShardClass(name: "Seats", parent: "Room") { Seats($0) })
    try engine.route("/rooms/:name", to: "Room")
    let bound = try engine.listen(port: port)
    try engine.start()
    say("listening on http://127.0.0.1:\(bound)", to: STDOUT_FILENO)

    var signal: Int32 = 0
    sigwait(&ending, &signal)
    engine.stop(graceMs: 2000)  // sockets hear 1001, requests have two seconds to be answered
    engine.destroy()
  }

  /// At once, and from any thread.
  private static func say(_ line: String, to descriptor: Int32) {
    (line + "\n").withBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
  }
}

extension String {
  /// What the engine takes is bytes.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    var text = self
    return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
  }
}
