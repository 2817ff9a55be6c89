import Testing

@testable import DOGEngine

/// Text is refused at its first bad byte, wherever reads and fragments end.
@Suite struct FrameParserTextTests {
  /// Bad text, and at which byte it is known to be bad. Lead bytes are bad at once where nothing can follow.
  static let bad: [(bytes: [UInt8], at: Int)] = [
    ([0x61, 0x80], 1),  // a continuation of nothing
    ([0x61, 0xC0, 0xAF], 1), ([0xC1, 0xBF], 0),  // overlong, two bytes
    ([0xC3, 0x28], 1), ([0xC3, 0xC3], 1),
    ([0xE0, 0x80, 0xAF], 1), ([0xE0, 0x9F, 0xBF], 1),  // overlong, three bytes
    ([0xE2, 0x82, 0x28], 2),
    ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1),  // surrogates
    ([0xF0, 0x8F, 0xBF, 0xBF], 1),  // overlong, four bytes
    ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5], 0), ([0xFE], 0), ([0xFF], 0),  // above U+10FFFF
    ([0xF0, 0x9D, 0x84, 0x28], 3),
    // The sample of the Autobahn test suite: κόσμε, a surrogate, "edited".
    ([UInt8]("κ\u{1F79}σμε".utf8) + [0xED, 0xA0, 0x80] + [UInt8]("edited".utf8), 12),
    ([UInt8]("κ\u{1F79}σμε".utf8) + [0xF4, 0x90, 0x80, 0x80] + [UInt8]("edited".utf8), 12),
    ([UInt8](repeating: 0x61, count: 100) + [0xFF] + [UInt8](repeating: 0x61, count: 100), 100),
  ]

  @Test func `within one frame`() {
    for (bytes, at) in Self.bad {
      let frame = ClientFrame.text(bytes)
      let (events, first) = FrameReader.readByteByByte(frame)
      #expect(events == [.invalid(1007)], "\(bytes)")
      #expect(first == frame.count - bytes.count + at + 1, "\(bytes)")
    }
  }

  @Test func `within a frame of which the rest never comes`() {
    for (bytes, at) in Self.bad {
      let prefix =
        ClientFrame.header(first: 0x81, length: 100_000) + bytes.enumerated().map { $1 ^ ClientFrame.key[$0 % 4] }
      let headerSize = prefix.count - bytes.count
      #expect(FrameReader.read([UInt8](prefix.prefix(headerSize + at))) == [], "\(bytes)")
      #expect(FrameReader.read([UInt8](prefix.prefix(headerSize + at + 1))) == [.invalid(1007)], "\(bytes)")
    }
  }

  @Test func `across fragments, with a ping between them`() {
    for (bytes, at) in Self.bad {
      for cut in 0...bytes.count {
        let head = ClientFrame.bytes(first: 0x01, [UInt8](bytes[..<cut])) + ClientFrame.ping()
        let whole = head + ClientFrame.bytes(first: 0x80, [UInt8](bytes[cut...]))
        let events = FrameReader.read(whole)
        #expect(events == (at < cut ? [.invalid(1007)] : [.ping([]), .invalid(1007)]), "\(bytes) cut at \(cut)")
        #expect(FrameReader.readByteByByte(whole).events == events)
      }
    }
  }

  static let sample = "a α € 𝄞 \u{7FF} \u{800} \u{D7FF} \u{E000} \u{FFFF} \u{10000} \u{10FFFF}"

  @Test func `good text may be cut into two fragments anywhere`() {
    let text = [UInt8](Self.sample.utf8)
    for cut in 0...text.count {
      let bytes = ClientFrame.fragments([[UInt8](text[..<cut]), [UInt8](text[cut...])])
      #expect(FrameReader.read(bytes) == [.text(text)], "cut at \(cut)")
      #expect(FrameReader.readByteByByte(bytes).events == [.text(text)], "cut at \(cut)")
    }
  }

  @Test func `good text may come in fragments of one byte with pings between them`() {
    let text = [UInt8](Self.sample.utf8)
    let frames = text.flatMap { ClientFrame.bytes(first: 0x00, [$0]) + ClientFrame.ping() }
    let bytes = ClientFrame.bytes(first: 0x01) + frames + ClientFrame.bytes(first: 0x80)
    #expect(FrameReader.read(bytes).last == .text(text))
    #expect(FrameReader.readByteByByte(bytes).events.last == .text(text))
  }

  @Test func `a message does not inherit where the text before it stood`() {
    let bytes = ClientFrame.fragments([[0xE2], [0x82, 0xAC]]) + ClientFrame.fragments([[0x61], [0x62]])
    #expect(FrameReader.read(bytes) == [.text("€"), .text("ab")])
  }

  @Test func `binary in fragments is not validated`() {
    #expect(FrameReader.read(ClientFrame.fragments([[0xFF], [0xC0]], first: 0x02)) == [.binary([0xFF, 0xC0])])
  }
}
