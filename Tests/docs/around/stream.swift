import DOGEngine

final class Room: Gateway {
  func identify(_ request: RequestHandle) {
    request.identify(request.request?.query("u").map { String(decoding: $0, as: UTF8.self) } ?? "anon")
  }
}

final class Seats: Shard {
  // @@
}

let engine = try Engine.make(Options())
try engine.define(GatewayClass(name: "Room", child: "Seats", limit: 100) { _ in Room() })
try engine.define(ShardClass(name: "Seats", parent: "Room") { _ in Seats() })
try engine.route("/rooms/:name", to: "Room")
try engine.listen(port: 8787)
try engine.run()
