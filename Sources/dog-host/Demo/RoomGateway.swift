import DOGEngine

/// One room: identifies a visitor by `u` in the query, else as `anon`.
final class RoomGateway: Gateway {
  func identify(_ request: RequestHandle) throws {
    guard let http = request.request else { return }
    guard http.isGET || http.isHEAD else {
      request.respond(
        status: 405, headers: [HTTPHeader(name: "Allow", value: "GET, HEAD")], body: "405 Method Not Allowed\n")
      return
    }
    let name = http.query("u") ?? []
    guard !name.isEmpty else { return _ = request.identify("anon") }
    guard Name(name) != nil else {
      request.respond(status: 400, body: "A name is 1 to \(Name.bytesMax) bytes of text.\n")
      return
    }
    name.withUnsafeBytes { _ = request.identify($0) }
  }
}
