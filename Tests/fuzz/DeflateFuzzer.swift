@testable import DOGEngine

/// Compressed messages: the input is what follows the header of a compressed frame. It inflates to the same however it
/// is cut, into reads and into fragments; never to more than the limit, however much more it would be; and what is
/// deflated here is inflated to itself.
enum DeflateFuzzer: Fuzzer {
  static let name = "deflate"
  static let pool = InflaterPoolBox()

  static var seeds: [[UInt8]] {
    let texts = ["Hello", "", String(repeating: "a", count: 3000), "a\u{e4}\u{20ac}\u{1F415}"]
    return texts.compactMap { deflated(Array($0.utf8), windowBits: 15) } + [
      [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00], [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
      [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00], [0x00], [0x01], [0xFF], [0x07],
      [0xF2, 0x00, 0x11, 0x00, 0x00], [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48],
    ]
  }

  static func run(_ input: [UInt8]) {
    for (first, limit, keepsContext) in [(0xC2, 1 << 16, false), (0xC1, 1 << 16, true), (0xC2, 100, false)] {
      let first = UInt8(first)
      // Twice: the second may refer to the first, where the client keeps its context, and must not where it does not.
      let frames = ClientFrame.bytes(first: first, input) + ClientFrame.bytes(first: first, input)
      let whole = read(frames, cutAt: [], limit, keepsContext)
      check(whole, limit)
      for cuts in Cuts.of(frames).suffix(4) {
        let parts = read(frames, cutAt: cuts, limit, keepsContext)
        expect(parts == whole, "cut at \(cuts): \(parts), whole: \(whole)")
      }
      let cut = input.count / 3
      let pieces = [Array(input[..<cut]), [], Array(input[cut...])]
      let fragments = ClientFrame.fragments(pieces, first: first & 0x7F)
      let apart = read(fragments + fragments, cutAt: [], limit, keepsContext)
      expect(apart == whole, "in fragments: \(apart), whole: \(whole)")
    }
    guard input.count > 1 else { return }
    for windowBits in [9, 15] {
      guard let deflated = deflated(input, windowBits: windowBits) else { continue }
      let back = read(ClientFrame.bytes(first: 0xC2, deflated), cutAt: [], 1 << 20, false)
      expect(back == [.binary(input)], "deflated, then inflated: \(back)")
    }
  }

  private static func check(_ events: [FrameEvent], _ limit: Int) {
    expect(!events.isEmpty && events.count <= 2, "two messages, or a refusal: \(events)")
    for event in events {
      switch event {
      case .text(let bytes):
        expect(bytes.count <= limit && ReferenceDecoder.isText(bytes), "a text that is none, or too long")
      case .binary(let bytes): expect(bytes.count <= limit, "a message over its limit")
      case .invalid(let code): expect(code == 1007, "refused with \(code)")
      case .ping, .pong, .close: expect(false, "\(event) of a data frame")
      }
    }
  }

  private static func read(_ bytes: [UInt8], cutAt cuts: [Int], _ limit: Int, _ keepsContext: Bool) -> [FrameEvent] {
    let inflation = Inflation(pool: pool.pool, windowBits: 15, keepsContext: keepsContext)
    var reader = FrameReader(messageBytesMax: limit, inflation: inflation)
    Cuts.forEachPiece(bytes, at: cuts) { reader.read(inPlace: $0) }
    // What is both too long and no DEFLATE is refused for what is met first, which depends on the cuts.
    return reader.received.map { $0 == .invalid(1009) ? .invalid(1007) : $0 }
  }

  /// Nil where it would not be shorter by much: room is made for that.
  private static func deflated(_ bytes: [UInt8], windowBits: Int) -> [UInt8]? {
    guard let deflater = Deflater(windowBits: windowBits, level: 1) else { return nil }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count * 2 + 64, alignment: 1)
    defer { room.deallocate() }
    // An address also where there is nothing.
    return (bytes + [0]).withUnsafeBytes { all in
      deflater.compress(UnsafeRawBufferPointer(rebasing: all.dropLast()), into: room).map { [UInt8](room[..<$0]) }
    }
  }
}

/// `@unchecked Sendable`: a fuzzer runs on one thread.
final class InflaterPoolBox: @unchecked Sendable {
  let pool = InflaterPool()
}
