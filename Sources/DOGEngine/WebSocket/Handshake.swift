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
  private static let keyBytes = 16

  /// `header` gives a header's value, letter case of the name aside, several of one name joined by ", "; nil if absent.
  /// `isHTTP11` is true for HTTP/1.1 and later of HTTP/1. That there is one Host is for the HTTP parser to see to.
  static func check(isGET: Bool, isHTTP11: Bool, header: (String) -> [UInt8]?) -> Result {
    guard isGET else { return .refuse(status: 405, reason: "a WebSocket begins with GET") }
    guard let upgrade = header("upgrade"), list(upgrade).contains(where: { equals($0, "websocket") }) else {
      return .refuse(status: 426, reason: "no upgrade to WebSocket")
    }
    guard let connection = header("connection"), list(connection).contains(where: { equals($0, "upgrade") }) else {
      return .refuse(status: 426, reason: "no Connection: upgrade")
    }
    guard let version = header("sec-websocket-version"), equals(trim(version[...]), "13") else {
      return .refuse(status: 426, reason: "not version 13 of WebSocket")
    }
    guard isHTTP11 else { return .refuse(status: 400, reason: "an upgrade needs HTTP/1.1") }
    guard let value = header("sec-websocket-key") else { return .refuse(status: 400, reason: "no Sec-WebSocket-Key") }
    // Two keys, joined by a comma, are not Base64 either.
    let key = [UInt8](trim(value[...]))
    guard Base64.decodedCount(key) == keyBytes else {
      return .refuse(status: 400, reason: "Sec-WebSocket-Key is not 16 bytes of Base64")
    }
    // Not having to be there, it must still be right (section 4.2.1: "any violations of the ABNF grammar").
    if let header = header("sec-websocket-protocol") {
      let names = list(header)
      guard !names.isEmpty, names.allSatisfy({ $0.allSatisfy(isTokenByte) }) else {
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

  /// What the client offers in `header`, the value of Sec-WebSocket-Protocol, in its order of preference. What is not a
  /// token is left out, so that none of it can get into a response.
  static func protocols(_ header: [UInt8]?) -> [String] {
    guard let header else { return [] }
    return list(header).filter { $0.allSatisfy(isTokenByte) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// RFC 6455, section 4.2.2, item 5.4.
  private static func accept(_ key: [UInt8]) -> [UInt8] { Base64.encode(SHA1.hash(key + guid)) }

  /// The elements of a comma-separated header; empty ones do not count (RFC 9110, section 5.6.1).
  private static func list(_ value: [UInt8]) -> [ArraySlice<UInt8>] {
    value.split(separator: UInt8(ascii: ",")).map(trim).filter { !$0.isEmpty }
  }

  private static func trim(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let front = value.drop(while: isSpace)
    return front.dropLast(front.reversed().prefix(while: isSpace).count)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  /// `lowercase` is in small letters; `value` may be in any.
  private static func equals(_ value: ArraySlice<UInt8>, _ lowercase: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
    return value.elementsEqual(wanted) { (0x41...0x5A).contains($0) ? $0 | 0x20 == $1 : $0 == $1 }
  }

  /// RFC 9110, section 5.6.2.
  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: tokenMarks.contains(byte)
    }
  }

  private static let tokenMarks = [UInt8]("!#$%&'*+-.^_`|~".utf8)
}
