/// One element of Sec-WebSocket-Extensions (RFC 6455, section 9.1): an extension's name and its parameters.
///
///     extension-list  = 1#extension
///     extension       = extension-token *( ";" extension-param )
///     extension-param = token [ "=" (token | quoted-string) ]
struct ExtensionOffer: Equatable {
  struct Parameter: Equatable {
    let name: [UInt8]
    /// Unquoted; nil where there is none.
    let value: [UInt8]?
  }

  let name: [UInt8]
  let parameters: [Parameter]

  /// The offers in their order, which is the client's preference. Nil: the header is not of this grammar. Several
  /// headers are one list, joined by commas; empty elements of it do not count (RFC 9110, section 5.6.1).
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
    var place = 0

    var isAtEnd: Bool { place == bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard !isAtEnd, bytes[place] == byte else { return false }
      place += 1
      return true
    }

    mutating func skipSpace() {
      while take(UInt8(ascii: " ")) || take(UInt8(ascii: "\t")) {}
    }

    mutating func token() -> [UInt8]? {
      let start = place
      while !isAtEnd, Handshake.isTokenByte(bytes[place]) { place += 1 }
      return place > start ? [UInt8](bytes[start..<place]) : nil
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
        guard !isAtEnd, Handshake.isTokenByte(bytes[place]) else { return nil }
        value.append(bytes[place])
        place += 1
      }
      return value.isEmpty ? nil : value
    }
  }
}
