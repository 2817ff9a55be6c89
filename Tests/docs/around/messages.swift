import DOGEngine

extension String {
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    var text = self
    return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
  }
}

// @@

let engine = try Engine.make(Options())
try engine.define(GatewayClass(name: "Room", child: "Seats", limit: 100) { _ in Room() })
try engine.define(ShardClass(name: "Seats", parent: "Room") { Seats($0) })
try engine.route("/rooms/:name", to: "Room")
try engine.listen(port: 8787)
try engine.run()
