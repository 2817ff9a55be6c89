/// The extensions of a chunk (RFC 9112, section 7.1.1): none means anything here, but each must be well formed, so that
/// nobody on the way sees another end of the line in it.
///
///     chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
struct ChunkExtension {
  /// What was read last.
  private enum Part { case gap, semicolon, name, nameGap, equals, token, quoted, escape, quotedEnd }

  private var part: Part

  /// `first` follows a chunk's size: a semicolon, or white space before one. Nil: it is neither.
  init?(first: UInt8) {
    switch first {
    case UInt8(ascii: ";"): part = .semicolon
    case _ where ASCII.isBlank(first): part = .gap
    default: return nil
    }
  }

  /// True if the line may end after what was read.
  var isWhole: Bool { part == .name || part == .token || part == .quotedEnd }

  /// Any byte but the CR that ends the line. False: it cannot stand here.
  mutating func read(_ byte: UInt8) -> Bool {
    guard let next = next(byte) else { return false }
    part = next
    return true
  }

  private func next(_ byte: UInt8) -> Part? {
    let isToken = ASCII.isTokenByte(byte)
    let isSpace = ASCII.isBlank(byte)
    let isSemicolon = byte == UInt8(ascii: ";")
    switch part {
    case .gap: return isSemicolon ? .semicolon : isSpace ? .gap : nil
    case .semicolon: return isToken ? .name : isSpace ? .semicolon : nil
    case .name where isToken: return .name
    case .name, .nameGap:
      if byte == UInt8(ascii: "=") { return .equals }
      return isSemicolon ? .semicolon : isSpace ? .nameGap : nil
    case .equals:
      if byte == UInt8(ascii: "\"") { return .quoted }
      return isToken ? .token : isSpace ? .equals : nil
    case .token where isToken: return .token
    case .token, .quotedEnd: return isSemicolon ? .semicolon : isSpace ? .gap : nil
    case .quoted:
      switch byte {
      case UInt8(ascii: "\""): return .quotedEnd
      case UInt8(ascii: "\\"): return .escape
      default: return ChunkExtension.isText(byte) ? .quoted : nil
      }
    case .escape: return ChunkExtension.isText(byte) ? .quoted : nil
    }
  }

  private static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") }
}
