/// Base64 (RFC 4648, section 4), as far as the opening handshake needs it.
enum Base64 {
  private static let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for digit in 0..<4 {
        text.append(digit <= group.count ? alphabet[bits >> (18 - 6 * digit) & 63] : padding)
      }
    }
    return text
  }

  /// How many bytes `text` stands for; nil when it is not Base64, padding included. The bits that padding leaves over
  /// may be anything: RFC 4648, section 3.5, lets a decoder ignore them, and clients with a handmade key exist.
  static func decodedCount(_ text: [UInt8]) -> Int? {
    guard text.count % 4 == 0 else { return nil }
    let paddingCount = text.reversed().prefix { $0 == padding }.count
    guard paddingCount <= 2, text.dropLast(paddingCount).allSatisfy(alphabet.contains) else { return nil }
    return text.count / 4 * 3 - paddingCount
  }
}
