import Testing

@testable import DOGEngine

@Suite struct ProxyHeaderTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// Nil: it is invalid.
    let client: String?
    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8], _ client: String?) {
      self.name = name
      self.bytes = bytes
      self.client = client
    }

    init(_ line: String, _ client: String?) { self.init(line, [UInt8](line.utf8), client) }
  }

  static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

  static func block(_ command: UInt8, _ family: UInt8, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? body.count
    return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xff)] + body
  }

  static let v4: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb]
  static let v6: [UInt8] =
    [0x20, 1, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [1] + Array(repeating: 0, count: 16) + [0x30, 0x39, 0, 80]
  static let extensions: [UInt8] = [0x01, 0, 2, 0x68, 0x32, 0x04, 0, 0, 0xee, 0, 1, 9]

  static let lines: [Case] = [
    Case("PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\n", "192.0.2.1:12345"),
    Case("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
    Case("PROXY TCP6 2001:db8::1 ::1 12345 443\r\n", "[2001:db8::1]:12345"),
    Case("PROXY TCP6 ::ffff:192.0.2.1 ::1 0 0\r\n", "192.0.2.1:0"),
    Case("PROXY UNKNOWN\r\n", "nobody"),
    Case("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "nobody"),
    // The longest line of the specification, 107 bytes.
    Case(
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      "nobody"),
    Case("PROXY UNKNOWN" + " " + String(repeating: "x", count: 92) + "\r\n", nil),
    Case("PROXY UNKNOWN" + " " + String(repeating: "x", count: 91) + "\r\n", "nobody"),
    Case("PROXY TCP4 " + String(repeating: "1", count: 200), nil),
    Case("PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\n", nil),
    Case("PROXY\r\n", nil), Case("PROXY \r\n", nil), Case("PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n", nil),
    Case("PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n", nil), Case("PROXY TCP4 192.0.2.1 10.0.0.1 1 2 \r\n", nil),
    Case("PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n", nil), Case("PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n", nil),
    Case("PROXY TCP4 192.0.2.1 10.0.0.1\t1 2\r\n", nil), Case("PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n", nil),
    Case("PROXY TCP4 192.0.2.01 10.0.0.1 1 2\r\n", nil), Case("PROXY TCP4 192.0.2.1 10.0.0 1 2\r\n", nil),
    Case("PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n", nil), Case("PROXY TCP4 192.0.2.1 10.0.0.1 1 -2\r\n", nil),
    Case("PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n", nil), Case("PROXY TCP4 ::1 ::1 1 2\r\n", nil),
    Case("PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n", nil), Case("PROXY TCP6 ::1%lo ::1 1 2\r\n", nil),
    Case("PROXY TCP6 [::1] ::1 1 2\r\n", nil), Case("PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n", nil),
    Case("PROXY tcp4 192.0.2.1 10.0.0.1 1 2\r\n", nil), Case("PROXY UNKNOWNS\r\n", nil),
    Case("proxy TCP4 192.0.2.1 10.0.0.1 1 2\r\n", nil), Case("PROXX TCP4", nil), Case("GET / HTTP/1.1\r\n", nil),
    Case("POST / HTTP/1.1\r\n", nil), Case("PROXY TCP4 192.0.2.1\0 10.0.0.1 1 2\r\n", nil), Case("\n", nil),
    Case("PROXY \n", nil), Case("PROXY UNKNOWN\n", nil),
  ]

  static let blocks: [Case] = [
    Case("v4", block(0x21, 0x11, v4), "192.0.2.1:12345"), Case("v6", block(0x21, 0x21, v6), "[2001:db8::1]:12345"),
    Case("v4 with extensions", block(0x21, 0x11, v4 + extensions), "192.0.2.1:12345"),
    Case("v6 with extensions", block(0x21, 0x21, v6 + extensions), "[2001:db8::1]:12345"),
    Case("unix", block(0x21, 0x31, Array(repeating: 0x2f, count: 216)), "unix:"),
    Case("unspecified", block(0x21, 0x00, []), "nobody"),
    Case("unspecified with extensions", block(0x21, 0x00, extensions), "nobody"),
    Case("local", block(0x20, 0x00, []), "nobody"), Case("local, family ignored", block(0x20, 0x11, v4), "nobody"),
    Case("local, block ignored", block(0x20, 0xff, [1, 2, 3]), "nobody"),
    Case("the longest", block(0x21, 0x11, v4 + [4, 0x0f, 0xf1] + Array(repeating: 0, count: 4081)), "192.0.2.1:12345"),
    Case("too long", block(0x21, 0x11, v4 + [4, 0x0f, 0xf2] + Array(repeating: 0, count: 4082)), nil),
    Case("longest length", block(0x21, 0x11, [], length: 65_535), nil),
    Case("local too long", block(0x20, 0x00, [], length: 4097), nil),
    Case("v4 too short", block(0x21, 0x11, Array(v4.dropLast())), nil), Case("v4 empty", block(0x21, 0x11, []), nil),
    Case("v6 too short", block(0x21, 0x21, Array(v6.dropLast())), nil),
    Case("unix too short", block(0x21, 0x31, Array(repeating: 0, count: 215)), nil),
    Case("version 1", block(0x11, 0x11, v4), nil), Case("version 3", block(0x31, 0x11, v4), nil),
    Case("command 2", block(0x22, 0x11, v4), nil), Case("command 15", block(0x2f, 0x11, v4), nil),
    Case("datagrams", block(0x21, 0x12, v4), nil), Case("no protocol", block(0x21, 0x10, v4), nil),
    Case("no family", block(0x21, 0x01, v4), nil), Case("family 4", block(0x21, 0x41, v4), nil),
    Case("extension cut", block(0x21, 0x11, v4 + [1, 0]), nil),
    Case("extension past the end", block(0x21, 0x11, v4 + [1, 0, 5, 1, 2, 3, 4]), nil),
    Case("wrong signature", Array(signature.dropLast()) + [0x0b] + [0x21, 0x11, 0, 0], nil),
    Case("two line ends", [0x0d, 0x0a, 0x0d, 0x0a] + Array("GET /".utf8), nil),
  ]

  /// What a header reads of these pieces, and what it leaves.
  static func read(_ pieces: [[UInt8]]) -> (result: String, left: [UInt8]) {
    var header = ProxyHeader()
    var left: [UInt8] = []
    var result = "needs more"
    for (index, piece) in pieces.enumerated() {
      let step = piece.withUnsafeBytes { bytes in
        var input = bytes
        defer { left = [UInt8](input) }
        return header.next(&input)
      }
      switch step {
      case .needMore: continue
      case .invalid: return ("invalid", [])
      case .done(let client): result = client?.description ?? "nobody"
      }
      return (result, left + pieces[(index + 1)...].flatMap { $0 })
    }
    return (result, left)
  }

  @Test(arguments: lines + blocks)
  func `a header is read, or refused`(test: Case) {
    #expect(Self.read([test.bytes]).result == test.client ?? "invalid")
  }

  @Test(arguments: lines + blocks)
  func `a header reads the same at every split, and what follows is left`(test: Case) {
    let after = Array("GET / HTTP/1.1\r\n".utf8)
    let all = test.bytes + after
    let whole = Self.read([all])
    #expect(whole.result == test.client ?? "invalid")
    if test.client != nil { #expect(whole.left == after) }
    let step = all.count > 400 ? 61 : 1
    for cut in stride(from: 0, through: all.count, by: step) {
      let split = Self.read([Array(all[..<cut]), Array(all[cut...])])
      #expect(split == whole, "cut at \(cut)")
    }
    let bytes = Self.read(all.map { [$0] })
    #expect(bytes == whole)
  }

  @Test(arguments: (lines + blocks).filter { $0.client != nil })
  func `no part of a header is one`(test: Case) {
    for count in stride(from: 0, to: test.bytes.count, by: test.bytes.count > 400 ? 61 : 1) {
      #expect(Self.read([Array(test.bytes[..<count])]) == ("needs more", []), "\(count) bytes")
    }
  }

  @Test func `E1: changed bytes are read or refused, and never read past their end`() {
    var random = TestRandom(for: "ProxyHeaderTests")
    let cases = Self.lines + Self.blocks
    for _ in 0..<20_000 {
      var bytes = cases[random.below(cases.count)].bytes
      if bytes.count > 300 { bytes = Array(bytes[..<300]) }
      for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
      let whole = Self.read([bytes])
      let cut = random.below(bytes.count + 1)
      #expect(Self.read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
      #expect(whole.left.count <= bytes.count)
    }
  }
}
