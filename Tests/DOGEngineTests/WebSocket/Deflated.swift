@testable import DOGEngine

/// Messages as a client compresses them, and inflations for parsers.
enum Deflated {
  static func inflation(windowBits: Int = 15, keepsContext: Bool = false) -> Inflation {
    Inflation(pool: InflaterPool(), windowBits: windowBits, keepsContext: keepsContext)
  }

  /// The payload of a compressed message.
  static func payload(_ message: [UInt8], windowBits: Int = 15, level: Int = 6) -> [UInt8] {
    guard let deflater = Deflater(windowBits: windowBits, level: level) else { preconditionFailure("no memory") }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count + message.count / 8 + 1024, alignment: 1)
    defer { room.deallocate() }
    // An empty message has no address; its one byte is an empty block.
    guard !message.isEmpty else { return [0x00] }
    let count = message.withUnsafeBytes { deflater.compress($0, into: room) }
    guard let count else { preconditionFailure("\(message.count) bytes do not fit") }
    return [UInt8](room[..<count])
  }

  /// What a payload inflates to.
  static func message(of payload: [UInt8]) throws -> [UInt8] {
    var reader = FrameReader(messageBytesMax: 1 << 26, inflation: inflation())
    reader.read(binary(payload))
    guard case .binary(let message) = reader.received.first else {
      throw ClientError(description: "\(payload.count) bytes that do not inflate: \(reader.received)")
    }
    return message
  }

  static func text(_ payload: [UInt8]) -> [UInt8] { ClientFrame.bytes(first: 0xC1, payload) }
  static func binary(_ payload: [UInt8]) -> [UInt8] { ClientFrame.bytes(first: 0xC2, payload) }

  /// Words that compress, bytes that do not, or nothing.
  static func message(_ count: Int, using random: inout TestRandom) -> [UInt8] {
    let words = ["shard ", "gateway ", "whisper ", "é", "\u{1F436} ", "0", "broadcast\n"]
    var message: [UInt8] = []
    let isNoise = Int.random(in: 0..<4, using: &random) == 0
    while message.count < count {
      if isNoise {
        message.append(UInt8.random(in: 0...255, using: &random))
      } else {
        message += [UInt8]((words.randomElement(using: &random) ?? "").utf8)
      }
    }
    return [UInt8](message.prefix(count))
  }
}
