/// Percent-encoding (RFC 3986, section 2.1), taken away once.
enum PercentCoding {
  /// Nil if a '%' is not followed by two hexadecimal digits.
  static func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    decode(bytes, plusIsSpace: false, keepsMalformed: false)
  }

  /// As in a query that a form or a browser made: '+' is a space, and a '%' that escapes nothing is itself.
  static func decodeQuery(_ bytes: some Collection<UInt8>) -> [UInt8] {
    decode(bytes, plusIsSpace: true, keepsMalformed: true) ?? []
  }

  /// The value of the first parameter of that name in a query, decoded; the name is compared decoded too.
  static func value(of name: some Sequence<UInt8>, inQuery query: UnsafeRawBufferPointer) -> [UInt8]? {
    for part in query.split(separator: UInt8(ascii: "&")) {
      let nameEnd = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      guard decodeQuery(part[..<nameEnd]).elementsEqual(name) else { continue }
      return decodeQuery(part[nameEnd...].dropFirst())
    }
    return nil
  }

  private static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool, keepsMalformed: Bool) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        if let high = rest.first.flatMap(hexDigit), let low = rest.dropFirst().first.flatMap(hexDigit) {
          rest = rest.dropFirst(2)
          decoded.append(high << 4 | low)
        } else if keepsMalformed {
          decoded.append(byte)
        } else {
          return nil
        }
      } else {
        decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return decoded
  }

  static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
