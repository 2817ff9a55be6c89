import DOGEngine
import Synchronization

// Plain HTTP, and the way to a socket.
extension HostShard {
  func receive(_ request: RequestHandle) throws {
    guard let http = request.request else { return }
    let segments = http.segments.dropFirst(2) + ["", ""]
    let (verb, argument) = (segments.first ?? "", segments.dropFirst().first ?? "")
    switch verb {
    case "", "ws": try connect(request, http)
    case "info":
      let type = HTTPHeader(name: "Content-Type", value: "text/plain")
      request.respond(status: 200, headers: [idHeader, type], body: info(http, request.uid?.description ?? ""))
    case "status": request.respond(status: Int(argument) ?? 0, headers: [idHeader], body: "")
    case "hold": hold(argument) { request.respond(200, "released \(argument)") }
    case "never": break
    case "broken": throw Status.invalid
    case "stream": stream(request, argument)
    case "large": Large.begin(request)
    case "bad-status": keep(request.respond(99, "x"))
    case "bad-header":
      keep(request.respond(status: 200, headers: [HTTPHeader(name: "X-Bad", value: "a\r\nb")], body: ""))
    case "bad-protocol": keep(request.connect(protocol: "never-offered"))
    case "twice":
      request.respond(200, "first")
      keep(request.respond(200, "second"))
    default: request.respond(404, "no \(verb)")
    }
  }

  private var idHeader: HTTPHeader { HTTPHeader(name: "X-Shard", value: id) }

  private func keep(_ status: Status) { last = status.name }

  private func connect(_ request: RequestHandle, _ http: HTTPRequest) throws {
    let offered = http.text(ofHeader: "Sec-WebSocket-Protocol").split(separator: ",").map { $0.drop { $0 == " " } }
    let status = request.connect(protocol: offered.contains("dog.v1") ? "dog.v1" : nil, headers: [idHeader])
    // Who asked for no WebSocket was told so.
    if status != .notUpgrade { try status.check() }
  }

  private func info(_ http: HTTPRequest, _ uid: String) -> String {
    """
    method \(http.method)
    target \(http.target)
    path \(http.path)
    query \(http.text(ofQuery: "q"))
    header \(http.text(ofHeader: "X-Test"))
    uid \(uid)
    shard \(id)
    starts \(starts)
    body \(String(decoding: http.body, as: UTF8.self))

    """
  }

  private func stream(_ request: RequestHandle, _ key: String) {
    let header = HTTPHeader(name: "Content-Type", value: "text/event-stream")
    let begun = request.respondBegin(
      status: 200, headers: [header],
      onend: { [shard] _, status in
        "over \(key) \(status.isOK ? "whole" : "left")".withBytes { _ = shard.broadcast(.text, $0) }
      })
    guard begun.isOK else { return }
    request.write("data: one\n\n")
    hold(key) {
      request.write("data: two\n\n")
      request.end()
    }
  }
}

/// A response larger than an outbox: written as far as there is room, then again when there is.
private final class Large: Sendable {
  private static let parts = 64
  private static let partBytes = 65_536

  private let written = Atomic(0)

  static func begin(_ request: RequestHandle) {
    let large = Large()
    let header = HTTPHeader(name: "Content-Type", value: "application/octet-stream")
    let begun = request.respondBegin(status: 200, headers: [header], onwritable: { large.write(to: $0) })
    if begun.isOK { large.write(to: request) }
  }

  /// On the request's worker alone, so never twice at once.
  private func write(to request: RequestHandle) {
    var part = written.load(ordering: .relaxed)
    while part < Self.parts {
      let bytes = [UInt8](repeating: UInt8(ascii: "a") + UInt8(part % 26), count: Self.partBytes)
      guard bytes.withUnsafeBytes({ request.write($0) }).isOK else { return }
      part += 1
      written.store(part, ordering: .relaxed)
    }
    request.end()
  }
}
