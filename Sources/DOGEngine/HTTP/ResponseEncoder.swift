/// What a response says by itself (RFC 9112, section 4): where it ends, when it was made and what happens to the
/// connection. `EncodedResponse` writes that, and `isValid` refuses a host's headers that would say it.
enum ResponseEncoder {
  /// The facts about a request that decide how its response is framed.
  struct Facts: Sendable {
    var isHEAD: Bool
    var isHTTP11: Bool
    /// Another request may follow on this connection.
    var keepAlive: Bool

    /// For what could not be read as a request: say why and close.
    static func unread(isHEAD: Bool) -> Facts { Facts(isHEAD: isHEAD, isHTTP11: true, keepAlive: false) }
  }

  static var continueResponse: StaticString { "HTTP/1.1 100 Continue\r\n\r\n" }

  /// Appends the answer to a WebSocket handshake (RFC 6455, section 4.2.2). `accept` is the value of
  /// Sec-WebSocket-Accept, `protocol` one that the client offered, `extensions` those agreed to; the headers are valid
  /// ones for an upgrade.
  static func switchingProtocols(
    accept: [UInt8], protocol: String?, extensions: String? = nil, headers: [HTTPHeader], into out: SharedBytes
  ) {
    out.append(
      StaticString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n").bytes)
    out.append(StaticString("Sec-WebSocket-Accept: ").bytes)
    accept.withUnsafeBytes { out.append($0) }
    out.append(StaticString("\r\n").bytes)
    var chosen: [HTTPHeader] = []
    if let `protocol` { chosen.append(HTTPHeader(name: "Sec-WebSocket-Protocol", value: `protocol`)) }
    if let extensions { chosen.append(HTTPHeader(name: "Sec-WebSocket-Extensions", value: extensions)) }
    for header in chosen + headers { header.line.withUnsafeBytes { out.append($0) } }
    out.append(StaticString("\r\n").bytes)
  }

  /// Whether a host may send this header. `forUpgrade`: in a 101.
  static func isValid(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, forUpgrade: Bool = false
  ) -> Bool {
    guard !name.isEmpty else { return false }
    for byte in name where !ASCII.isTokenByte(byte) { return false }
    if ASCII.makeup(of: value).hasControl {
      for byte in value where byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7f { return false }
    }
    return !isOwn(name) && !(forUpgrade && isOfHandshake(name))
  }

  static func isValid(_ header: HTTPHeader, forUpgrade: Bool = false) -> Bool {
    header.line.withUnsafeBytes {
      isValid(
        name: UnsafeRawBufferPointer(rebasing: $0[..<header.nameCount]),
        value: UnsafeRawBufferPointer(rebasing: $0[(header.nameCount + 2)..<($0.count - 2)]), forUpgrade: forUpgrade)
    }
  }

  /// A name that the engine alone sends.
  private static func isOwn(_ name: UnsafeRawBufferPointer) -> Bool {
    switch name.count {
    case 4: HeaderName.areEqual(name, "date")
    case 10: HeaderName.areEqual(name, "connection")
    case 14: HeaderName.areEqual(name, "content-length")
    case 17: HeaderName.areEqual(name, "transfer-encoding")
    default: false
    }
  }

  /// One of a handshake's.
  private static func isOfHandshake(_ name: UnsafeRawBufferPointer) -> Bool {
    let prefix = StaticString("sec-websocket-").bytes
    return HeaderName.areEqual(name, "upgrade")
      || HeaderName.areEqual(UnsafeRawBufferPointer(rebasing: name.prefix(prefix.count)), prefix)
  }
}
