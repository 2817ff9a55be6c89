@testable import DOGEngine

/// Feeds a parser as a connection would: each read in a buffer of its own size, gone after the read.
struct FrameReader: ~Copyable {
  private var parser: FrameParser
  private(set) var received: [FrameEvent] = []

  init(messageBytesMax: Int = 1 << 20, frameBytesMax: Int = 0, inflation: Inflation? = nil) {
    parser = FrameParser(messageBytesMax: messageBytesMax, frameBytesMax: frameBytesMax, inflation: inflation)
  }

  mutating func read(_ bytes: some Collection<UInt8>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    read(inPlace: buffer)
    // What a parser wrongly keeps of the buffer does not survive this.
    for index in buffer.indices { buffer[index] = 0xEE }
  }

  mutating func read(inPlace buffer: UnsafeMutableRawBufferPointer) {
    var input = buffer
    while let event = FrameEvent(parser.next(&input)) { received.append(event) }
    precondition(input.isEmpty, "\(input.count) bytes left")
  }

  /// All that comes of `bytes` when they arrive in reads that end at `cuts`.
  static func read(
    _ bytes: [UInt8], cuts: [Int] = [], messageBytesMax: Int = 1 << 20, frameBytesMax: Int = 0,
    inflation: Inflation? = nil
  ) -> [FrameEvent] {
    var reader = FrameReader(messageBytesMax: messageBytesMax, frameBytesMax: frameBytesMax, inflation: inflation)
    var start = 0
    for end in cuts + [bytes.count] {
      reader.read(bytes[start..<end])
      start = end
    }
    return reader.received
  }

  /// Reads one byte at a time; also how many bytes had come when the first event did.
  static func readByteByByte(_ bytes: [UInt8], messageBytesMax: Int = 1 << 20) -> (events: [FrameEvent], first: Int?) {
    var reader = FrameReader(messageBytesMax: messageBytesMax)
    var first: Int?
    for (index, byte) in bytes.enumerated() {
      reader.read(CollectionOfOne(byte))
      if first == nil && !reader.received.isEmpty { first = index + 1 }
    }
    return (reader.received, first)
  }
}
