/// A page's origin (RFC 6454, section 4): scheme, host and port, or "null", which a browser sends for what has none.
/// Two are the same when they are equal here: letter case is aside, and a port that is the scheme's own is left out.
struct Origin: Hashable, Sendable {
  private let scheme: String
  private let host: String
  private let port: Int?

  /// From its serialization (section 6.2), "https://example.com:8443". Nil: it is none, or more than one.
  init?(_ bytes: some Collection<UInt8>) {
    if bytes.elementsEqual("null".utf8) {
      (scheme, host, port) = ("null", "", nil)
      return
    }
    guard bytes.count <= Origin.bytesMax else { return nil }
    // Lowercase: letters, digits and marks keep apart.
    let text = bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), text[colon...].starts(with: "://".utf8) else {
      return nil
    }
    let scheme = text[..<colon]
    guard let first = scheme.first, Origin.isLetter(first), scheme.allSatisfy(Origin.isSchemeByte) else { return nil }
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
      guard end > authority.startIndex, authority[..<end].allSatisfy(Origin.isNameByte) else { return nil }
    }
    var port: Int?
    if end < authority.endIndex {
      guard authority[end] == UInt8(ascii: ":"), let number = Origin.port(authority[(end + 1)...]) else { return nil }
      port = number
    }
    self.scheme = String(decoding: scheme, as: UTF8.self)
    host = String(decoding: authority[..<end], as: UTF8.self)
    self.port = port == Origin.ownPort(of: self.scheme) ? nil : port
  }

  /// A name has 253 bytes at most; the rest is room for a scheme and a port.
  private static let bytesMax = 512

  private static func ownPort(of scheme: String) -> Int? {
    switch scheme {
    case "http", "ws": 80
    case "https", "wss": 443
    default: nil
    }
  }

  private static func port(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...5).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    return number <= 65_535 ? number : nil
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: ".")
  }

  private static func isLiteralByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  /// Of a registered name as browsers write it: beyond ASCII it comes as "xn--".
  private static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
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

  /// `header` is the value of Origin, several joined by ", ", which no origin is; nil where there is none: that comes
  /// from no browser.
  func admits(_ header: [UInt8]?) -> Bool {
    guard let header else { return true }
    guard let origin = Origin(header) else { return false }
    return origins.contains(origin)
  }
}
