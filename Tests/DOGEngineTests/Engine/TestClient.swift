import Glibc
import Testing

@testable import DOGEngine

/// What a test's client saw that it should not have seen.
struct ClientError: Error, CustomStringConvertible {
  let description: String
}

/// A plain blocking client for HTTP and WebSockets, on loopback. One thread at a time.
///
/// `@unchecked Sendable`: a test hands it from thread to thread, never to two at once.
final class TestClient: @unchecked Sendable {
  struct Response: Equatable {
    var status: Int
    var headers: [String: String]
    var body: String
  }

  enum Frame: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(code: UInt16?, reason: String)
    /// The connection ended, by FIN or by RST.
    case end
  }

  private var descriptor: Int32
  private var unread: [UInt8] = []
  private var start = 0
  /// Messages that came compressed.
  private(set) var compressed = 0

  /// `receiveBuffer` keeps the kernel from taking much for a client that does not read.
  /// `source` is the address to come from, of 127.0.0.0/8.
  init(port: UInt16, receiveBuffer: Int32? = nil, from source: String? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ClientError(description: "no socket: errno \(errno)") }
    let size = socklen_t(MemoryLayout<Int32>.size)
    if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, size) }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    var patience = timeval(tv_sec: Watched<Bool>.deadlineSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    if let source {
      guard let own = SocketAddress(host: source, port: 0), own.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
        throw ClientError(description: "cannot come from \(source)")
      }
    }
    guard let address = SocketAddress(host: "127.0.0.1", port: port) else {
      throw ClientError(description: "no address")
    }
    guard address.withSockaddr({ connect(descriptor, $0, $1) }) == 0 else {
      let reason = errno
      Glibc.close(descriptor)
      descriptor = -1
      throw ClientError(description: "cannot connect: errno \(reason)")
    }
  }

  deinit { close() }

  // MARK: Bytes

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw ClientError(description: "cannot send: errno \(errno)") }
      sent += count
    }
  }

  func send(_ text: String) throws { try send([UInt8](text.utf8)) }

  /// False when the connection has ended.
  private func readMore() throws -> Bool {
    if start == unread.count {
      unread.removeAll(keepingCapacity: true)
      start = 0
    }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var count: Int
    // With a timeout set a signal interrupts it, whatever its handler asks for (signal(7)).
    repeat {
      count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    } while count < 0 && errno == EINTR
    if count > 0 {
      unread += buffer[..<count]
      return true
    }
    if count == 0 || errno == ECONNRESET || errno == EPIPE { return false }
    throw ClientError(description: "nothing came: errno \(errno)")
  }

  private func next() throws -> UInt8? {
    while start == unread.count { guard try readMore() else { return nil } }
    start += 1
    return unread[start - 1]
  }

  private func need(_ count: Int) throws -> [UInt8] {
    while unread.count - start < count {
      guard try readMore() else { throw ClientError(description: "the connection ended in the middle") }
    }
    start += count
    return [UInt8](unread[start - count..<start])
  }

  /// The next so many bytes, whatever they are.
  func bytes(_ count: Int) throws -> [UInt8] { try need(count) }

  /// FIN.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// FIN of this side alone.
  func shutdown() { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

  /// FIN of this side alone, which the engine has read when this returns, unless it does not read at the moment.
  func shutdownRead(by engine: Engine) {
    shutdown()
    // The first byte of tcp_info is the state: in FIN-WAIT-2 the engine's kernel has acknowledged the FIN.
    let finWait2 = UInt8(5)
    #expect(
      eventually {
        var state: UInt8 = 0
        var size = socklen_t(1)
        return getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &state, &size) == 0 && state == finWait2
      })
    engine.passTurns()
  }

  /// RST.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    close()
  }

  // MARK: HTTP

  func request(_ target: String, method: String = "GET", headers: [String] = [], body: String = "") throws {
    let lines = ["\(method) \(target) HTTP/1.1", "Host: dog"] + headers
    let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
    try send((lines + length).joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// Nil when the connection ended instead.
  func response() throws -> Response? {
    guard var response = try head() else { return nil }
    if response.headers["transfer-encoding"] == "chunked" {
      while case let part = try chunk(), !part.isEmpty { response.body += part }
    } else {
      let length = response.headers["content-length"].flatMap { Int($0) } ?? 0
      response.body = String(decoding: try need(length), as: UTF8.self)
    }
    return response
  }

  /// The next chunk of a body; empty when it was the last.
  func chunk() throws -> String {
    var line = ""
    while !line.hasSuffix("\r\n") {
      guard let byte = try next() as UInt8? else { throw ClientError(description: "ended in a chunk's size") }
      line.unicodeScalars.append(Unicode.Scalar(byte))
    }
    guard let size = Int(line.dropLast(1), radix: 16) else { throw ClientError(description: "no size: \(line)") }
    let part = try need(size + 2)
    guard part.suffix(2) == [13, 10] else { throw ClientError(description: "a chunk does not end with CRLF") }
    return String(decoding: part.dropLast(2), as: UTF8.self)
  }

  /// All that comes until the connection ends.
  func rest() throws -> String {
    var bytes: [UInt8] = []
    while let byte = try next() as UInt8? { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A response without its body.
  func head() throws -> Response? {
    var head = ""
    while !head.hasSuffix("\r\n\r\n") {
      guard let byte = try next() else {
        guard head.isEmpty else { throw ClientError(description: "ended in \(head)") }
        return nil
      }
      head.unicodeScalars.append(Unicode.Scalar(byte))
    }
    let lines = head.split(separator: "\r\n")
    guard let first = lines.first?.split(separator: " "), first.count > 1, let status = Int(first[1]) else {
      throw ClientError(description: "no status line: \(head)")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw ClientError(description: "no header: \(line)") }
      headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    return Response(status: status, headers: headers, body: "")
  }

  /// A request on a connection of its own.
  static func get(_ target: String, port: UInt16) throws -> Response {
    let client = try TestClient(port: port)
    try client.request(target, headers: ["Connection: close"])
    guard let response = try client.response() else { throw ClientError(description: "no response to \(target)") }
    return response
  }

  // MARK: WebSocket

  static let upgradeHeaders = [
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ]

  func requestUpgrade(_ target: String, extensions: String? = nil) throws {
    let offer = extensions.map { ["Sec-WebSocket-Extensions: \($0)"] } ?? []
    try request(target, headers: TestClient.upgradeHeaders + offer)
  }

  /// A socket that is open.
  static func open(
    _ target: String, port: UInt16, extensions: String? = nil, receiveBuffer: Int32? = nil
  ) throws -> TestClient {
    let client = try TestClient(port: port, receiveBuffer: receiveBuffer)
    try client.requestUpgrade(target, extensions: extensions)
    try client.expectUpgrade()
    return client
  }

  func expectUpgrade() throws {
    let response = try response()
    guard response?.status == 101 else {
      throw ClientError(description: "no upgrade, but \(response.map { "\($0)" } ?? "the end")")
    }
  }

  func send(text: String) throws { try send(ClientFrame.text(text)) }

  func next() throws -> Frame {
    guard let first: UInt8 = try next() else { return .end }
    let second = try need(1)[0]
    var length = Int(second & 0x7F)
    if length > 125 { length = try need(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) } }
    let payload = try need(length)
    switch first {
    case 0x81: return .text(String(decoding: payload, as: UTF8.self))
    case 0x82: return .binary(payload)
    case 0xC1, 0xC2:
      compressed += 1
      let plain = try Deflated.message(of: payload)
      return first == 0xC1 ? .text(String(decoding: plain, as: UTF8.self)) : .binary(plain)
    case 0x89: return .ping(payload)
    case 0x8A: return .pong(payload)
    case 0x88:
      guard payload.count >= 2 else { return .close(code: nil, reason: "") }
      return .close(
        code: UInt16(payload[0]) << 8 | UInt16(payload[1]), reason: String(decoding: payload[2...], as: UTF8.self))
    default: throw ClientError(description: "a frame begins with \(first)")
    }
  }

  /// The next so many text messages.
  func texts(_ count: Int) throws -> [String] {
    var texts: [String] = []
    while texts.count < count {
      switch try next() as Frame {
      case .text(let text): texts.append(text)
      case .ping, .pong: continue
      case let other: throw ClientError(description: "\(other) after \(texts.count) messages of \(count)")
      }
    }
    return texts
  }

  /// Closes from this side and waits until the connection has ended.
  func leave(code: UInt16 = 1000) throws {
    try send(ClientFrame.close(code))
    while try next() as Frame != .end {}
    close()
  }
}
