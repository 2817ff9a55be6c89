/// A host with an optional port, as in Host and in absolute targets (RFC 3986, section 3.2; no user information).
enum Authority {
  /// Host may be empty (RFC 9112, section 3.2), and then has no port.
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first else { return true }
    if isPlain(bytes) { return true }
    let isBracketed = first == UInt8(ascii: "[")
    var hostEnd = bytes.firstIndex(of: isBracketed ? UInt8(ascii: "]") : UInt8(ascii: ":")) ?? bytes.count
    if isBracketed {
      guard hostEnd < bytes.count, isLiteral(bytes[1..<hostEnd]) else { return false }
      hostEnd += 1
    } else {
      let name = bytes[..<hostEnd]
      guard hostEnd > 0, name.allSatisfy(isNameByte) else { return false }
      guard !name.contains(UInt8(ascii: "%")) || PercentCoding.decode(name) != nil else { return false }
    }
    guard hostEnd < bytes.count else { return true }
    return bytes[hostEnd] == UInt8(ascii: ":") && bytes[(hostEnd + 1)...].allSatisfy(ASCII.isDigit)
  }

  /// A name of letters, digits, dots and hyphens, with or without a port: nearly always it is that.
  private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let byte = bytes[offset]
      guard ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") else { break }
      offset &+= 1
    }
    guard offset > 0 else { return false }
    guard offset < bytes.count else { return true }
    guard bytes[offset] == UInt8(ascii: ":") else { return false }
    offset &+= 1
    while offset < bytes.count, ASCII.isDigit(bytes[offset]) { offset &+= 1 }
    return offset == bytes.count
  }

  /// What may stand in brackets: an IPv6 address, or "v1.x", the form for what may come after IPv6.
  private static func isLiteral(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard let first = bytes.first else { return false }
    guard first | 0x20 == UInt8(ascii: "v") else {
      return bytes.contains(UInt8(ascii: ":")) && IPAddress(text: bytes) != nil
    }
    guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")) else { return false }
    let version = bytes[..<dot].dropFirst()
    let address = bytes[dot...].dropFirst()
    return !version.isEmpty && version.allSatisfy { PercentCoding.hexDigit($0) != nil } && !address.isEmpty
      && address.allSatisfy { isMark($0) || ASCII.isLetterOrDigit($0) || $0 == UInt8(ascii: ":") }
  }

  /// Of a registered name: unreserved, percent escapes and sub-delims.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "%") || isMark(byte) || ASCII.isLetterOrDigit(byte)
  }

  /// Unreserved or a sub-delim, and no letter or digit.
  private static func isMark(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
      UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
      UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
      true
    default: false
    }
  }
}
