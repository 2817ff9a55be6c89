import Testing

@testable import DOGEngine

@Suite struct FrameParserLimitTests {
  @Test(arguments: [0, 1, 125, 126, 1000, 65_535, 65_536])
  func `a message of the limit passes and one byte more is 1009`(_ limit: Int) {
    let payload = [UInt8](repeating: 0x61, count: limit + 1)
    #expect(FrameReader.read(ClientFrame.text([UInt8](payload.dropLast())), messageBytesMax: limit).count == 1)
    #expect(FrameReader.read(ClientFrame.text(payload), messageBytesMax: limit) == [.invalid(1009)])
  }

  @Test func `the header alone is enough for 1009`() {
    let header = ClientFrame.header(first: 0x82, length: 1001)
    let (events, first) = FrameReader.readByteByByte(header, messageBytesMax: 1000)
    #expect(events == [.invalid(1009)])
    #expect(first == header.count)
  }

  @Test func `a frame has a limit of its own, by its header alone, and control frames have not`() {
    let read = { (bytes: [UInt8], limit: Int) in
      FrameReader.read(bytes, messageBytesMax: 1000, frameBytesMax: limit)
    }
    let hundred = [UInt8](repeating: 0x61, count: 100)
    #expect(read(ClientFrame.fragments([hundred, hundred, hundred]), 100).count == 1)
    #expect(read(ClientFrame.text(hundred + [0x61]), 100) == [.invalid(1009)])
    #expect(read(ClientFrame.header(first: 0x02, length: 101), 100) == [.invalid(1009)])
    #expect(read(ClientFrame.ping(hundred), 10) == [.ping(hundred)])
    #expect(read(ClientFrame.text([UInt8](repeating: 0x61, count: 1001)), 0) == [.invalid(1009)])
    #expect(read(ClientFrame.text([UInt8](repeating: 0x61, count: 1001)), 2000) == [.invalid(1009)])
  }

  @Test func `the fragments count together`() {
    let pieces = [[UInt8]](repeating: [UInt8](repeating: 0, count: 100), count: 3)
    #expect(FrameReader.read(ClientFrame.fragments(pieces, first: 0x02), messageBytesMax: 300).count == 1)
    let last = ClientFrame.header(first: 0x80, length: 101)
    let tooMuch = ClientFrame.bytes(first: 0x02, pieces[0]) + ClientFrame.bytes(first: 0x00, pieces[1]) + last
    #expect(FrameReader.read(tooMuch, messageBytesMax: 300) == [.invalid(1009)])
  }

  @Test func `a sum that overflows is 1009`() {
    let bytes = ClientFrame.bytes(first: 0x02, [1, 2, 3]) + ClientFrame.header(first: 0x00, length: .max >> 1)
    #expect(FrameReader.read(bytes, messageBytesMax: .max) == [.invalid(1009)])
  }

  @Test func `each message has the limit for itself`() {
    let message = ClientFrame.fragments([[1, 2], [3]], first: 0x02)
    #expect(FrameReader.read(message + message + ClientFrame.binary([1, 2, 3]), messageBytesMax: 3).count == 3)
  }

  @Test func `control frames do not count`() {
    let bytes = ClientFrame.bytes(first: 0x02, [1]) + ClientFrame.ping([UInt8](repeating: 0, count: 125))
    #expect(FrameReader.read(bytes + ClientFrame.bytes(first: 0x80, [2]), messageBytesMax: 2).last == .binary([1, 2]))
  }

  @Test func `a claimed length costs no memory`() {
    let header = FrameHeader(
      opcode: .binary, isFinal: true, isCompressed: false, maskingKey: MaskingKey(0), length: 1 << 31, size: 14)
    let assembly = FrameParser.Assembly(messageBytesMax: .max, inflation: nil)
    assembly.begin(header)
    #expect(withUnsafeBytes(of: UInt8(7)) { assembly.append($0, isASCII: true) } == nil)
    #expect(assembly.messageCapacity <= 2)
    let bytes = ClientFrame.header(first: 0x82, length: 1 << 31) + [1, 2, 3]
    #expect(FrameReader.read(bytes, messageBytesMax: .max).isEmpty)
    #expect(FrameReader.readByteByByte(bytes, messageBytesMax: .max).events.isEmpty)
  }

  @Test func `a message of many tiny fragments is put together`() {
    let piece = ClientFrame.bytes(first: 0x00, [7])
    let pieces = [[UInt8]](repeating: piece, count: 20_000).flatMap { $0 }
    let bytes = ClientFrame.bytes(first: 0x02, [7]) + pieces + ClientFrame.bytes(first: 0x80, [7])
    #expect(FrameReader.read(bytes) == [.binary([UInt8](repeating: 7, count: 20_002))])
  }

  @Test func `memory for fragments is at most doubled, and seldom moved`() {
    let header = FrameHeader(
      opcode: .binary, isFinal: false, isCompressed: false, maskingKey: MaskingKey(0), length: 1, size: 6)
    let assembly = FrameParser.Assembly(messageBytesMax: 1 << 20, inflation: nil)
    var capacities = Set<Int>()
    for _ in 0..<10_000 {
      assembly.begin(header)
      #expect(withUnsafeBytes(of: UInt8(7)) { assembly.append($0, isASCII: true) } == nil)
      assembly.endFrame()
      #expect(assembly.messageCapacity <= 2 * assembly.messageCount)
      capacities.insert(assembly.messageCapacity)
    }
    #expect(capacities.count < 20)
  }

  @Test func `memory for one frame is never more than the frame`() {
    let header = FrameHeader(
      opcode: .binary, isFinal: true, isCompressed: false, maskingKey: MaskingKey(0), length: 100, size: 6)
    let assembly = FrameParser.Assembly(messageBytesMax: 1 << 20, inflation: nil)
    assembly.begin(header)
    for _ in 0..<5 {
      #expect([UInt8](repeating: 7, count: 20).withUnsafeBytes { assembly.append($0, isASCII: true) } == nil)
      #expect(assembly.messageCapacity <= 100)
    }
    #expect(assembly.messageCapacity == 100)
  }
}
