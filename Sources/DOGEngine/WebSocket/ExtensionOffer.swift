/// One element of Sec-WebSocket-Extensions (RFC 6455, section 9.1): an extension's name and its parameters.
///
///     extension-list  = 1#extension
///     extension       = extension-token *( ";" extension-param )
///     extension-param = token [ "=" (token | quoted-string) ]
struct ExtensionOffer: Equatable {
  struct Parameter: Equatable {
    let name: [UInt8]
    /// Unquoted; nil if there is none.
    let value: [UInt8]?
  }

  let name: [UInt8]
  let parameters: [Parameter]

  /// The offers in their order, which is the client's preference. Nil: the header does not follow this grammar. Several
  /// headers are one list, joined by commas; empty elements do not count (RFC 9110, section 5.6.1).
  static func list(_ header: [UInt8]) -> [ExtensionOffer]? {
    var scanner = Scanner(bytes: header)
    var offers: [ExtensionOffer] = []
    while true {
      scanner.skipSpace()
      if scanner.isAtEnd { return offers }
      if scanner.take(UInt8(ascii: ",")) { continue }
      guard let name = scanner.token() else { return nil }
      var parameters: [Parameter] = []
      scanner.skipSpace()
      while scanner.take(UInt8(ascii: ";")) {
        guard let parameter = scanner.parameter() else { return nil }
        parameters.append(parameter)
        scanner.skipSpace()
      }
      offers.append(ExtensionOffer(name: name, parameters: parameters))
      guard scanner.isAtEnd || scanner.take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private struct Scanner {
    let bytes: [UInt8]
    var offset = 0

    var isAtEnd: Bool { offset == bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard !isAtEnd, bytes[offset] == byte else { return false }
      offset += 1
      return true
    }

    mutating func skipSpace() {
      while take(UInt8(ascii: " ")) || take(UInt8(ascii: "\t")) {}
    }

    mutating func token() -> [UInt8]? {
      let start = offset
      while !isAtEnd, ASCII.isTokenByte(bytes[offset]) { offset += 1 }
      return offset > start ? [UInt8](bytes[start..<offset]) : nil
    }

    mutating func parameter() -> Parameter? {
      skipSpace()
      guard let name = token() else { return nil }
      skipSpace()
      guard take(UInt8(ascii: "=")) else { return Parameter(name: name, value: nil) }
      skipSpace()
      guard let value = take(UInt8(ascii: "\"")) ? restOfQuoted() : token() else { return nil }
      return Parameter(name: name, value: value)
    }

    /// > When using the quoted-string syntax variant, the value after quoted-string unescaping MUST conform to the
    /// > 'token' ABNF.
    private mutating func restOfQuoted() -> [UInt8]? {
      var value: [UInt8] = []
      while !take(UInt8(ascii: "\"")) {
        _ = take(UInt8(ascii: "\\"))
        guard !isAtEnd, ASCII.isTokenByte(bytes[offset]) else { return nil }
        value.append(bytes[offset])
        offset += 1
      }
      return value.isEmpty ? nil : value
    }
  }
}
