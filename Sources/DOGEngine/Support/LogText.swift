/// Makes text fit for a line of the log. Its reader, a person at a terminal or a program that splits it at newlines,
/// must not take a client's text for the engine's.
enum LogText {
  /// A longer line is cut.
  static let lineBytesMax = 1024

  /// The text itself if nothing in it needs a change, as is nearly always so.
  static func line(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    if isPlain, text.utf8.count <= lineBytesMax { return text }
    var line = ""
    var bytes = 0
    for scalar in text.unicodeScalars {
      let part = isHarmful(scalar) ? escaped(scalar.value) : String(scalar)
      bytes += part.utf8.count
      guard bytes <= lineBytesMax else { return line + "..." }
      line += part
    }
    return line
  }

  /// What a client sent, in printable ASCII; the rest as \xNN, and a backslash as two. More than `max` bytes are cut.
  static func quoted(_ bytes: some Collection<UInt8>, max: Int) -> String {
    var text = ""
    for byte in bytes.prefix(max) {
      switch byte {
      case UInt8(ascii: "\\"): text += "\\\\"
      case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += escaped(UInt32(byte))
      }
    }
    return bytes.count > max ? text + "..." : text
  }

  /// Control characters of both kinds (newlines, terminal escapes), characters that some programs take for the end of a
  /// line, and characters that change the direction of the text around them.
  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0x061c, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
    default: false
    }
  }

  private static func escaped(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return value <= 0xff ? (digits.utf8.count == 1 ? "\\x0" : "\\x") + digits : "\\u{\(digits)}"
  }
}
