import DOGEngine

/// What no route takes.
enum Fetch {
  static func answer(_ request: RequestHandle, _ engine: Engine) throws {
    guard let http = request.request else { return }
    let segments = http.segments + ["", "", ""]
    switch segments[0] {
    case "stats":
      let stats = engine.stats
      request.respond(
        200,
        "sockets \(stats.sockets)\nplaces \(stats.places)\nshards \(stats.shards)\ngateways \(stats.gateways)\n")
    case "alias": try segments[1].withBytes { try request.forward(to: "Room", $0).check() }
    case "nowhere": try "x".withBytes { try request.forward(to: "None", $0).check() }
    case "broken": throw Status.invalid
    case "wait":
      guard let room = engine.gateway("Room", segments[1]) else { throw Status.notFound }
      let key = segments[2]
      Held.hold(key) { request.respond(200, "released \(key)") }
      "holding \(key)".withBytes { _ = room.broadcast(.text, $0) }
    default: request.respond(404, "no route for \(http.path)")
    }
  }
}
