/// A host with an optional port, as in Host and in absolute targets (RFC 3986, section 3.2; no user information).
enum Authority {
  /// Host may be empty (RFC 9112, section 3.2), and then has no port.
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first else { return true }
    let isLiteral = first == UInt8(ascii: "[")
    var hostEnd = bytes.firstIndex(of: isLiteral ? UInt8(ascii: "]") : UInt8(ascii: ":")) ?? bytes.count
    if isLiteral {
      guard hostEnd < bytes.count, hostEnd > 1, bytes[1..<hostEnd].allSatisfy(isLiteralByte) else { return false }
      hostEnd += 1
    } else {
      let name = bytes[..<hostEnd]
      guard hostEnd > 0, name.allSatisfy(isNameByte) else { return false }
      guard !name.contains(UInt8(ascii: "%")) || PercentCoding.decode(name) != nil else { return false }
    }
    guard hostEnd < bytes.count else { return true }
    return bytes[hostEnd] == UInt8(ascii: ":") && bytes[(hostEnd + 1)...].allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
  }

  /// Of an IP literal, IPv6 or later.
  private static func isLiteralByte(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  /// Of a registered name: unreserved, percent escapes and sub-delims.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"),
      UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
      UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
      return true
    default: return isLetterOrDigit(byte)
    }
  }
}
