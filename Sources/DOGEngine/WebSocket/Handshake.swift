import COpenSSL

/// The server's side of the opening handshake (RFC 6455, section 4.2): is this request a valid upgrade, and what proves
/// to the client that we understood it. Knows no type for requests: headers come through a closure.
enum Handshake {
  enum Result: Equatable {
    /// The value of Sec-WebSocket-Accept, 28 bytes.
    case accept(key: [UInt8])
    /// 405: not GET. 426: no upgrade to WebSocket, or to a version that we do not speak; the answer needs `Upgrade` and
    /// `Sec-WebSocket-Version`. 400: an upgrade, but malformed.
    case refuse(status: Int, reason: StaticString)

    static func == (left: Result, right: Result) -> Bool {
      switch (left, right) {
      case (.accept(let left), .accept(let right)): left == right
      case (.refuse(let left, _), .refuse(let right, _)): left == right
      case (.accept, .refuse), (.refuse, .accept): false
      }
    }
  }

  /// RFC 6455, section 1.3.
  private static let guid = [UInt8]("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
  /// Of a key of 16 bytes; "==" follows.
  private static let keyDigits = 22

  /// `header` gives a header's value, letter case of the name aside, several of one name joined by ", "; nil if absent.
  /// `isHTTP11` is true for HTTP/1.1 and later of HTTP/1. The HTTP parser has checked that there is one Host.
  static func check(isGET: Bool, isHTTP11: Bool, header: (String) -> [UInt8]?) -> Result {
    guard isGET else { return .refuse(status: 405, reason: "a WebSocket begins with GET") }
    guard let upgrade = header("upgrade"), list(upgrade).contains(where: { equals($0, "websocket") }) else {
      return .refuse(status: 426, reason: "no upgrade to WebSocket")
    }
    guard let connection = header("connection"), list(connection).contains(where: { equals($0, "upgrade") }) else {
      return .refuse(status: 426, reason: "no Connection: upgrade")
    }
    guard let version = header("sec-websocket-version"), equals(ASCII.trimmed(version), "13") else {
      return .refuse(status: 426, reason: "not version 13 of WebSocket")
    }
    guard isHTTP11 else { return .refuse(status: 400, reason: "an upgrade needs HTTP/1.1") }
    guard let value = header("sec-websocket-key") else { return .refuse(status: 400, reason: "no Sec-WebSocket-Key") }
    // Two keys, joined by a comma, are not Base64 either.
    let key = [UInt8](ASCII.trimmed(value))
    guard isKey(key) else {
      return .refuse(status: 400, reason: "Sec-WebSocket-Key is not 16 bytes of Base64")
    }
    // The header is optional, but must be well formed if it is there (section 4.2.1: "any violations of the ABNF
    // grammar"). An empty list offers nothing; some clients send one.
    if let header = header("sec-websocket-protocol") {
      guard list(header).allSatisfy({ $0.allSatisfy(ASCII.isTokenByte) }) else {
        return .refuse(status: 400, reason: "Sec-WebSocket-Protocol is not a list of tokens")
      }
    }
    // > If a value is received [...] that does not conform to the ABNF below, the recipient of such malformed data MUST
    // > immediately _Fail the WebSocket Connection_ (section 9.1).
    if let extensions = header("sec-websocket-extensions"), ExtensionOffer.list(extensions) == nil {
      return .refuse(status: 400, reason: "Sec-WebSocket-Extensions is malformed")
    }
    return .accept(key: accept(key))
  }

  /// What the client offers in `header`, the value of Sec-WebSocket-Protocol, in its order of preference. An entry that
  /// is not a token is left out, so that it cannot get into a response.
  static func protocols(_ header: [UInt8]?) -> [String] {
    guard let header else { return [] }
    return list(header).filter { $0.allSatisfy(ASCII.isTokenByte) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// RFC 6455, section 4.2.2, item 5.4.
  private static func accept(_ key: [UInt8]) -> [UInt8] {
    let proof = key + guid
    return [UInt8](unsafeUninitializedCapacity: cssl_accept_size) { accept, initializedCount in
      cssl_accept(proof, proof.count, accept.baseAddress)
      initializedCount = cssl_accept_size
    }
  }

  /// Whether `value` is Base64 of 16 bytes (RFC 6455, section 4.1, has the grammar). The bits that padding leaves over
  /// may be anything: RFC 4648, section 3.5, lets a decoder ignore them, and clients with a handmade key exist. (To
  /// OpenSSL's decoder "=" is a digit anywhere, and blanks at the ends are nothing.)
  private static func isKey(_ value: [UInt8]) -> Bool {
    let padding = UInt8(ascii: "=")
    return value.count == keyDigits + 2 && value.suffix(2).allSatisfy { $0 == padding }
      && value.prefix(keyDigits).allSatisfy(isBase64Digit)
  }

  private static func isBase64Digit(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
  }

  /// The elements of a comma-separated header; empty ones do not count (RFC 9110, section 5.6.1).
  private static func list(_ value: [UInt8]) -> [ArraySlice<UInt8>] {
    value.split(separator: UInt8(ascii: ",")).map(ASCII.trimmed).filter { !$0.isEmpty }
  }

  /// `lowercase` is in small letters; `value` may be in any.
  private static func equals(_ value: ArraySlice<UInt8>, _ lowercase: StaticString) -> Bool {
    value.elementsEqual(lowercase.bytes) { ASCII.lowercase($0) == $1 }
  }
}
