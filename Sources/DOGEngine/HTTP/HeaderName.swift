/// What RFC 9110 calls a token (section 5.6.2), and the comparison of names, whose letter case does not matter (section
/// 5.1).
enum HeaderName {
  static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy(ASCII.isTokenByte)
  }

  /// Whether two byte strings are equal but for the case of ASCII letters.
  static func areEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    guard one.count == other.count else { return false }
    for index in 0..<one.count
    where one[index] != other[index] && ASCII.lowercase(one[index]) != ASCII.lowercase(other[index]) {
      return false
    }
    return true
  }

  static func areEqual(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    areEqual(bytes, text.bytes)
  }

  /// The bytes of a header's value without optional white space (RFC 9110, section 5.6.3) at either end.
  static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: ASCII.trimmed(bytes))
  }
}
