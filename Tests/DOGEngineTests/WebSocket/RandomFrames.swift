/// Streams of frames, mostly right, now and then wrong.
enum RandomFrames {
  static func stream(using random: inout TestRandom) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<12: bytes += message(using: &random)
      case 12..<17: bytes += control(using: &random)
      case 17: bytes += ClientFrame.close(1000, [UInt8]("bye".utf8))
      case 18: bytes += ClientFrame.text([0x61, 0xED, 0xA0, 0x80])
      default:
        let first = UInt8.random(in: 0...255, using: &random)
        bytes += ClientFrame.bytes(first: first, [1, 2], isMasked: Bool.random(using: &random))
      }
    }
    return bytes
  }

  private static func message(using random: inout TestRandom) -> [UInt8] {
    let isText = Bool.random(using: &random)
    let limit = [8, 8, 8, 130, 130, 130, 1200, 1200, 1200, 70_000].randomElement(using: &random) ?? 0
    let count = Int.random(in: 0...limit, using: &random)
    let payload = isText ? text(bytesMax: count, using: &random) : binary(count: count, using: &random)
    var pieces: [[UInt8]] = []
    var rest = payload[...]
    for _ in 0..<(Bool.random(using: &random) ? 0 : Int.random(in: 1...4, using: &random)) {
      let piece = rest.prefix(Int.random(in: 0...rest.count, using: &random))
      pieces.append([UInt8](piece))
      rest = rest.dropFirst(piece.count)
    }
    pieces.append([UInt8](rest))
    var bytes: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      let opcode: UInt8 = index > 0 ? 0 : isText ? 1 : 2
      let key = binary(count: 4, using: &random)
      bytes += ClientFrame.bytes(first: index == pieces.count - 1 ? opcode | 0x80 : opcode, piece, key: key)
      if Int.random(in: 0..<4, using: &random) == 0 { bytes += control(using: &random) }
    }
    return bytes
  }

  private static func control(using random: inout TestRandom) -> [UInt8] {
    let payload = binary(count: Int.random(in: 0...125, using: &random), using: &random)
    return Bool.random(using: &random) ? ClientFrame.ping(payload) : ClientFrame.pong(payload)
  }

  private static func binary(count: Int, using random: inout TestRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  private static func text(bytesMax: Int, using random: inout TestRandom) -> [UInt8] {
    let isASCII = Bool.random(using: &random)
    var bytes: [UInt8] = []
    while true {
      let range: ClosedRange<UInt32> =
        isASCII
        ? 0...0x7F
        : [0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF][
          Int(truncatingIfNeeded: random.next() % 5)]
      guard let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) else { continue }
      let character = UTF8.encode(scalar).map([UInt8].init) ?? []
      if bytes.count + character.count > bytesMax { return bytes }
      bytes += character
    }
  }
}
