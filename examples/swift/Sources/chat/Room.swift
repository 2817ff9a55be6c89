import DOGEngine

/// A Gateway: it owns the cluster of one room.
final class Room: Gateway {
  private let gateway: GatewayHandle

  init(_ gateway: GatewayHandle) { self.gateway = gateway }

  /// Who is this? A real program would not believe a name in the URL.
  func identify(_ request: RequestHandle) throws {
    guard let http = request.request else { return }
    if http.header("Upgrade") == nil {
      // Answered here, it takes no place in the room.
      let people = try gateway.stats().connections
      let type = HTTPHeader(name: "Content-Type", value: "text/plain")
      request.respond(status: 200, headers: [type], body: "\(people)\n")
    } else {
      request.identify(http.query("u").map { String(decoding: $0, as: UTF8.self) } ?? "anon")
    }
  }
}
