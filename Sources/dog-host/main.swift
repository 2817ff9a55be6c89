import DOGEngine
import Glibc

final class EchoGateway: Gateway {
  func identify(_ request: RequestHandle) throws { request.identify(request.request?.remote ?? "anon") }
}

final class EchoShard: Shard {
  func receive(_ request: RequestHandle) throws {
    if request.request?.header("upgrade") != nil { request.connect() } else { request.respond(status: 200, body: "hello\n") }
  }
  func onmessage(_ socket: SocketHandle, _ message: Message) throws { socket.send(message.kind, message.bytes) }
}

var options = Options()
options.workers = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1 : 1
options.logLevel = .debug
options.log = { level, line in print(level, line) }
let engine = try Engine.make(options)
try engine.define(GatewayClass(name: "G", child: "S", limit: 100) { _ in EchoGateway() })
try engine.define(ShardClass(name: "S", parent: "G") { _ in EchoShard() })
try engine.route("/", to: "G", name: "main")
let port = try engine.listen(port: 8799)
print("listening on", port)
var set = sigset_t()
sigemptyset(&set); sigaddset(&set, SIGINT); sigaddset(&set, SIGTERM)
pthread_sigmask(SIG_BLOCK, &set, nil)
try engine.start()
var got: Int32 = 0
sigwait(&set, &got)
engine.stop(graceMs: 2000)
engine.destroy()
print("bye", engine.stats)
