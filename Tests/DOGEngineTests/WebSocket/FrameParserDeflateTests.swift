import Testing

@testable import DOGEngine

@Suite struct FrameParserDeflateTests {
  private static func read(
    _ bytes: [UInt8], cuts: [Int] = [], limit: Int = 1 << 20, keepsContext: Bool = false
  ) -> [FrameEvent] {
    FrameReader.read(
      bytes, cuts: cuts, messageBytesMax: limit, inflation: Deflated.inflation(keepsContext: keepsContext))
  }

  /// RFC 7692, section 7.2.3, and what else DEFLATE allows.
  private static let hello: [(String, [UInt8])] = [
    ("one block", [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]),
    ("no compression", [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]),
    ("BFINAL and an empty block", [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]),
    ("BFINAL at the very end", [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]),
    ("two blocks", [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00]),
    ("no compression, BFINAL", [0x01, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]),
    // "He" in a final block, then "llo" in another.
    (
      "a block after BFINAL",
      [0x01, 0x02, 0x00, 0xFD, 0xFF, 0x48, 0x65, 0x00, 0x03, 0x00, 0xFC, 0xFF, 0x6C, 0x6C, 0x6F, 0x00]
    ),
  ]

  @Test(arguments: hello)
  func `the samples of the RFC, in one frame, two and many`(_ name: String, _ payload: [UInt8]) {
    #expect(Self.read(Deflated.text(payload)) == [.text("Hello")])
    for cut in 0...payload.count {
      let pieces = [[UInt8](payload[..<cut]), [], [UInt8](payload[cut...])]
      #expect(Self.read(ClientFrame.fragments(pieces, first: 0x41)) == [.text("Hello")], "cut at \(cut)")
    }
    #expect(Self.read(ClientFrame.fragments(payload.map { [$0] }, first: 0x42)) == [.binary([UInt8]("Hello".utf8))])
  }

  @Test(arguments: [[0x00], [], [0x01], [0x02, 0x00], [0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00]] as [[UInt8]])
  func `an empty message`(_ payload: [UInt8]) {
    #expect(Self.read(Deflated.text(payload)) == [.text("")])
  }

  private static let bad: [[UInt8]] = [
    [0xFF], [0x06], [0x07],  // the block type that is none
    [0x00, 0x05, 0x00, 0x00, 0x00],  // a length that its complement denies
    [0xF2, 0x48], [0xF2, 0x48, 0xCD, 0xC9, 0xC9],  // cut short
    [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48],  // the tail would be its bytes
    [0x00, 0x05, 0x00],
    [0xF2, 0x00, 0x11, 0x00, 0x00],  // refers to a message before it
    [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0xFF],  // after BFINAL nothing that is a block
    [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],  // the tail cut off for once too few
    [0x78, 0x9C, 0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],  // zlib's header
  ]

  @Test(arguments: bad)
  func `what is not DEFLATE is refused with 1007`(_ payload: [UInt8]) {
    #expect(Self.read(Deflated.text(payload)) == [.invalid(1007)])
    #expect(Self.read(ClientFrame.fragments(payload.map { [$0] }, first: 0x41)) == [.invalid(1007)])
  }

  @Test func `a message may refer to those before it where that was agreed`() {
    let first: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
    let both = Deflated.text(first) + Deflated.text(second)
    #expect(Self.read(both, keepsContext: true) == [.text("Hello"), .text("Hello")])
    #expect(Self.read(both, keepsContext: false) == [.text("Hello"), .invalid(1007)])
    for cut in 0...both.count {
      #expect(Self.read(both, cuts: [cut], keepsContext: true) == [.text("Hello"), .text("Hello")], "cut at \(cut)")
    }
  }

  @Test func `the reserved bits are refused wherever they mean nothing`() {
    let payload: [UInt8] = [0x00]
    for first in [0xC0, 0xC8, 0xC9, 0xCA, 0xA1, 0x91, 0xE1, 0xD1, 0xF1, 0xC3, 0x49] as [UInt8] {
      #expect(Self.read(ClientFrame.bytes(first: first, payload)) == [.invalid(1002)], "\(first)")
    }
    for first in [0xC1, 0xC2, 0x41, 0x42] as [UInt8] {
      #expect(FrameReader.read(ClientFrame.bytes(first: first, payload)) == [.invalid(1002)], "\(first), not agreed")
    }
    let within = ClientFrame.bytes(first: 0x41, []) + ClientFrame.bytes(first: 0xC0, payload)
    #expect(Self.read(within) == [.invalid(1002)], "on a continuation")
    #expect(Self.read(ClientFrame.bytes(first: 0x01, []) + Deflated.text(payload)) == [.invalid(1002)])
  }

  @Test func `plain messages and control frames come between compressed ones`() {
    let payload = Self.hello[0].1
    let bytes =
      ClientFrame.text("plain") + ClientFrame.bytes(first: 0x41, [UInt8](payload[..<3])) + ClientFrame.ping([1, 2])
      + ClientFrame.bytes(first: 0x00, [UInt8](payload[3..<4])) + ClientFrame.pong()
      + ClientFrame.bytes(first: 0x80, [UInt8](payload[4...])) + ClientFrame.fragments([[0x61], [0x62]])
      + Deflated.binary(payload)
    let expected: [FrameEvent] = [
      .text("plain"), .ping([1, 2]), .pong([]), .text("Hello"), .text("ab"), .binary([UInt8]("Hello".utf8)),
    ]
    for cut in 0...bytes.count { #expect(Self.read(bytes, cuts: [cut]) == expected, "cut at \(cut)") }
    #expect(Self.read(bytes, cuts: [Int](0...bytes.count)) == expected)
  }

  @Test func `text is refused at its first bad byte, before the message ends`() {
    let message = [UInt8](repeating: 0x61, count: 40_000) + [0xC3, 0x28]
    let payload = Deflated.payload(message)
    let first = ClientFrame.bytes(first: 0x41, payload)
    #expect(Self.read(first) == [.invalid(1007)], "no final frame is needed")
    #expect(Self.read(ClientFrame.bytes(first: 0x42, payload)) == [])
    #expect(Self.read(Deflated.text(Deflated.payload([0x61, 0xC3]))) == [.invalid(1007)], "ends inside a character")
    let ends = [UInt8]("ends in é".utf8)
    for cut in 0...Deflated.payload(ends).count {
      let payload = Deflated.payload(ends)
      let frames = ClientFrame.fragments([[UInt8](payload[..<cut]), [UInt8](payload[cut...])], first: 0x41)
      #expect(Self.read(frames) == [.text("ends in é")])
    }
  }

  @Test func `the limit is that of the inflated message`() {
    for limit in [1, 100, 255, 256, 257, 70_000] {
      let fits = [UInt8](repeating: 0x61, count: limit)
      #expect(Self.read(Deflated.text(Deflated.payload(fits)), limit: limit) == [.text(fits)], "\(limit)")
      #expect(Self.read(Deflated.text(Deflated.payload(fits + [0x61])), limit: limit) == [.invalid(1009)], "\(limit)")
    }
    // Blocks that inflate to nothing.
    let blocks = (0..<220).flatMap { _ in [0x00, 0x00, 0x00, 0xFF, 0xFF] as [UInt8] }
    #expect(Self.read(ClientFrame.bytes(first: 0x42, blocks), limit: 100) == [])
    let more = ClientFrame.bytes(first: 0x42, blocks) + ClientFrame.header(first: 0x00, length: 100)
    #expect(Self.read(more, limit: 100) == [.invalid(1009)])
  }

  @Test func `a bomb is stopped at the limit while it inflates`() {
    // A gigabyte of zeros in a megabyte, fed in reads of 16 KiB: nothing near a gigabyte is ever made.
    var bomb: [UInt8] = []
    let block = Deflated.payload([UInt8](repeating: 0, count: 1 << 20)) + [0x00, 0x00, 0xFF, 0xFF]
    for _ in 0..<1024 { bomb += block }
    let limit = 1 << 20
    var reader = FrameReader(messageBytesMax: limit, inflation: Deflated.inflation())
    let bytes = ClientFrame.bytes(first: 0xC2, bomb)
    var fed = 0
    while fed < bytes.count, reader.received.isEmpty {
      reader.read(bytes[fed..<min(fed + 16_384, bytes.count)])
      fed += 16_384
    }
    #expect(reader.received == [.invalid(1009)])
    #expect(fed <= 2 * 16_384)
  }

  @Test(arguments: TestRandom.seeds(120))
  func `random messages in random fragments and reads come out as they were`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    var bytes: [UInt8] = []
    var expected: [FrameEvent] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let sizes = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 65_537]
      let count = (sizes.randomElement(using: &random) ?? 0) / Int.random(in: 1...3, using: &random)
      let message = Deflated.message(count, using: &random)
      let bits = Int.random(in: 9...15, using: &random)
      let level = Int.random(in: 1...9, using: &random)
      let payload = Deflated.payload(message, windowBits: bits, level: level)
      var pieces: [[UInt8]] = []
      var rest = payload[...]
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        let piece = rest.prefix(Int.random(in: 0...rest.count, using: &random))
        pieces.append([UInt8](piece))
        rest = rest.dropFirst(piece.count)
      }
      pieces.append([UInt8](rest))
      for (index, piece) in pieces.enumerated() {
        let opcode: UInt8 = index == 0 ? 0x42 : 0x00
        bytes += ClientFrame.bytes(first: index == pieces.count - 1 ? opcode | 0x80 : opcode, piece)
        guard index < pieces.count - 1, Bool.random(using: &random) else { continue }
        bytes += ClientFrame.ping([UInt8(index)])
        expected.append(.ping([UInt8(index)]))
      }
      expected.append(.binary(message))
    }
    let cuts = (0..<30).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
    for keepsContext in [false, true] {
      #expect(Self.read(bytes, cuts: cuts, keepsContext: keepsContext) == expected, "seed \(seed)")
    }
    // One bit wrong: whatever comes of it comes of it however it is read, and does no harm.
    if let index = bytes.indices.randomElement(using: &random) { bytes[index] ^= 1 << UInt8.random(in: 0..<8) }
    #expect(Self.read(bytes) == Self.read(bytes, cuts: cuts), "seed \(seed)")
  }
}
