import DOGEngine

/// Who is this, and what is the next Shard called.
final class HostGateway: Gateway {
  private let gateway: GatewayHandle

  init(_ gateway: GatewayHandle) { self.gateway = gateway }

  func identify(_ request: RequestHandle) throws {
    guard let http = request.request else { return }
    let uid = http.text(ofQuery: "u")
    switch uid {
    case "": try request.identify("anon").check()
    case "blocked":
      request.respond(status: 403, headers: [HTTPHeader(name: "X-Reason", value: "blocked")], body: "not you")
    case "broken": throw Status.invalid
    case "never": break
    case "self": try request.identify(gateway.name?.description ?? "").check()
    case _ where uid.hasPrefix("late-"): hold(uid) { request.identify(uid) }
    default: try request.identify(uid).check()
    }
  }

  func clusterize(_ request: RequestHandle) throws {
    let uid = request.uid?.description ?? ""
    switch uid {
    case "mute": throw Status.invalid
    case "twin": Self.name(request, "of-ann")
    case _ where uid.hasPrefix("slow-"): hold(uid) { Self.name(request, "of-\(uid)") }
    default: Self.name(request, "of-\(uid)")
    }
  }

  /// One that is taken already is the client's 500: the engine says so.
  private static func name(_ request: RequestHandle, _ id: String) { id.withBytes { _ = request.clusterize($0) } }

  private func hold(_ key: String, _ resume: @escaping Held.Resume) {
    Held.hold(key, resume)
    "holding \(key)".withBytes { _ = gateway.broadcast(.text, $0) }
  }
}
