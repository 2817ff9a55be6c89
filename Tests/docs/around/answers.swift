import DOGEngine

/// As if from a database.
func lookUp(_ name: [UInt8]) async -> String { name.isEmpty ? "anon" : String(decoding: name, as: UTF8.self) }

// @@

let engine = try Engine.make(Options())
try engine.define(GatewayClass(name: "Room", child: "Seats", limit: 100) { _ in Room() })
try engine.define(ShardClass(name: "Seats", parent: "Room") { _ in Seats() })
try engine.route("/rooms/:name", to: "Room")
try engine.listen(port: 8787)
try engine.run()
