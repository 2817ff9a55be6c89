/// A page's origin (RFC 6454, section 4): scheme, host and port, or "null", which a browser sends for a page without
/// one. Equal values are the same origin: they are in lower case, and the default port of a scheme is left out. A
/// scheme that is not the web's may come without a host: Electron and Capacitor send "file://" and "app://".
struct Origin: Hashable, Sendable {
  private let scheme: String
  private let host: String
  private let port: Int?

  /// From its serialization (section 6.2), "https://example.com:8443". Nil: it is not one origin.
  init?(_ bytes: some Collection<UInt8>) {
    if bytes.elementsEqual("null".utf8) {
      (scheme, host, port) = ("null", "", nil)
      return
    }
    guard bytes.count <= Origin.bytesMax else { return nil }
    // In lower case; only letters change.
    let text = bytes.map(ASCII.lowercase)
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), text[colon...].starts(with: "://".utf8) else {
      return nil
    }
    let scheme = text[..<colon]
    guard let first = scheme.first, ASCII.isLetter(first), scheme.allSatisfy(Origin.isSchemeByte) else { return nil }
    let authority = text[(colon + 3)...]
    let isLiteral = authority.first == UInt8(ascii: "[")
    let end: Int
    if isLiteral {
      guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      guard bracket > authority.startIndex + 1,
        authority[(authority.startIndex + 1)..<bracket].allSatisfy(Origin.isLiteralByte)
      else { return nil }
      end = bracket + 1
    } else {
      end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
      guard authority[..<end].allSatisfy(Origin.isNameByte) else { return nil }
      guard !authority.isEmpty || Origin.ownPort(of: scheme) == nil else { return nil }
      guard authority.isEmpty || end > authority.startIndex else { return nil }
    }
    var port: Int?
    if end < authority.endIndex {
      guard authority[end] == UInt8(ascii: ":"), let number = Origin.port(authority[(end + 1)...]) else { return nil }
      port = number
    }
    self.scheme = String(decoding: scheme, as: UTF8.self)
    host = String(decoding: authority[..<end], as: UTF8.self)
    self.port = port == Origin.ownPort(of: scheme) ? nil : port
  }

  /// A name has 253 bytes at most; the rest is room for a scheme and a port.
  private static let bytesMax = 512

  /// The default port; nil for a scheme that is not the web's.
  private static func ownPort(of scheme: some Collection<UInt8>) -> Int? {
    if scheme.elementsEqual("http".utf8) || scheme.elementsEqual("ws".utf8) { return 80 }
    if scheme.elementsEqual("https".utf8) || scheme.elementsEqual("wss".utf8) { return 443 }
    return nil
  }

  private static func port(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...5).contains(digits.count), digits.allSatisfy(ASCII.isDigit) else { return nil }
    let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    return number <= 65_535 ? number : nil
  }

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: ".")
  }

  private static func isLiteralByte(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  /// A byte of a registered name as browsers write it: a name beyond ASCII comes as "xn--".
  private static func isNameByte(_ byte: UInt8) -> Bool {
    ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "_")
  }
}

/// The origins from which a Shard class takes sockets.
struct OriginList: Sendable {
  private let origins: Set<Origin>

  /// Throws the first entry that is no origin.
  init(_ entries: [String]) throws(NotAnOrigin) {
    var origins: Set<Origin> = []
    for entry in entries {
      guard let origin = Origin(entry.utf8) else { throw NotAnOrigin(entry: entry) }
      origins.insert(origin)
    }
    self.origins = origins
  }

  struct NotAnOrigin: Error {
    let entry: String
  }

  /// `header` is the value of Origin. Several, joined by ", ", are no origin. Nil: there is none, so the client is no
  /// browser.
  func admits(_ header: [UInt8]?) -> Bool {
    guard let header else { return true }
    guard let origin = Origin(header) else { return false }
    return origins.contains(origin)
  }
}
