/// A JSON text (RFC 8259), read strictly: what the demo passes on to others must be JSON for each of them.
/// (Foundation's decoder takes a comma before a closing bracket.)
indirect enum JSON: Equatable {
  case null
  case bool(Bool)
  /// As written: the demo never calculates.
  case number(String)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// Nil for anything but one whole JSON value in UTF-8, or one that is nested too deep.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = JSONReader(bytes)
    guard let value = reader.readWhole() else { return nil }
    self = value
  }

  subscript(member: String) -> JSON? {
    if case .object(let members) = self { members[member] } else { nil }
  }

  var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  var strings: [String]? {
    if case .array(let elements) = self { elements.compactMap(\.string) } else { nil }
  }

  // MARK: Writing

  var text: String {
    var out = ""
    write(to: &out)
    return out
  }

  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    var text = text
    text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }

  private func write(to out: inout String) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let digits): out += digits
    case .string(let text): JSON.quote(text, to: &out)
    case .array(let elements):
      out += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { out += "," }
        element.write(to: &out)
      }
      out += "]"
    case .object(let members):
      out += "{"
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { out += "," }
        JSON.quote(member.key, to: &out)
        out += ":"
        member.value.write(to: &out)
      }
      out += "}"
    }
  }

  private static func quote(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
