@testable import DOGEngine

/// The frames of one client: the same however they are cut, and the same as the plain decoder of the tests says.
enum FrameFuzzer: Fuzzer {
  static let name = "frame"

  static var seeds: [[UInt8]] {
    let text = ClientFrame.text("a\u{e4}\u{20ac}\u{1F415}")
    let long = [UInt8](repeating: 0x61, count: 130)
    return [
      text, ClientFrame.binary([0, 255, 128]), ClientFrame.ping([1, 2]) + ClientFrame.pong(), ClientFrame.text(long),
      ClientFrame.fragments([[0xE2, 0x82], [0xAC], []]), ClientFrame.close(1000, [0x62, 0x79, 0x65]),
      ClientFrame.bytes(first: 0x01, [0x61]) + ClientFrame.ping() + ClientFrame.bytes(first: 0x80, [0x62]) + text,
      ClientFrame.bytes(first: 0x88), ClientFrame.bytes(first: 0x88, [3]), ClientFrame.close(1005),
      ClientFrame.text([0xED, 0xA0, 0x80]), ClientFrame.fragments([[0xF0, 0x9F], [0x28]]),
      ClientFrame.bytes(first: 0x82, long, lengthBytes: 8), ClientFrame.bytes(first: 0x81, [0x61], isMasked: false),
      ClientFrame.header(first: 0x82, length: UInt64.max), ClientFrame.header(first: 0x82, length: 1 << 62),
      ClientFrame.bytes(first: 0xC1, [0x61]), ClientFrame.bytes(first: 0x83), ClientFrame.bytes(first: 0x09),
    ]
  }

  static func run(_ input: [UInt8]) {
    for messageBytesMax in [1 << 16, 40] {
      let whole = read(input, cutAt: [], messageBytesMax)
      let wanted = ReferenceDecoder.decode(input, messageBytesMax: messageBytesMax)
      expect(whole == wanted, "\(whole), where the plain decoder says \(wanted)")
      for cuts in Cuts.of(input) {
        let parts = read(input, cutAt: cuts, messageBytesMax)
        expect(parts == whole, "cut at \(cuts): \(parts), whole: \(whole)")
      }
    }
  }

  private static func read(_ input: [UInt8], cutAt cuts: [Int], _ messageBytesMax: Int) -> [FrameEvent] {
    var reader = FrameReader(messageBytesMax: messageBytesMax)
    Cuts.forEachPiece(input, at: cuts) { piece in
      reader.read(inPlace: piece)
      // What the parser wrongly keeps of a read does not survive it.
      piece.initializeMemory(as: UInt8.self, repeating: 0xEE)
    }
    return reader.received
  }
}
