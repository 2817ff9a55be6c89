import Testing

@testable import DOGEngine

@Suite struct FrameParserTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let events: [FrameEvent]
    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8], _ events: FrameEvent...) {
      (self.name, self.bytes, self.events) = (name, bytes, events)
    }
  }

  private static let long = (0..<200).map { UInt8($0) }
  private static let longer = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  static var accepted: [Case] {
    [
      // RFC 6455, section 5.7.
      Case(
        "the RFC's masked Hello", [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], .text("Hello")),
      Case("an empty text", ClientFrame.text(""), .text("")),
      Case("an empty binary", ClientFrame.binary([]), .binary([])),
      Case("a text of two-, three- and four-byte characters", ClientFrame.text("αβ€𝄞"), .text("αβ€𝄞")),
      Case("binary that is no UTF-8", ClientFrame.binary([0xFF, 0xC0, 0x80]), .binary([0xFF, 0xC0, 0x80])),
      Case("125 bytes", ClientFrame.binary([UInt8](long.prefix(125))), .binary([UInt8](long.prefix(125)))),
      Case("126 bytes", ClientFrame.binary([UInt8](long.prefix(126))), .binary([UInt8](long.prefix(126)))),
      Case("pings and pongs", ClientFrame.ping() + ClientFrame.pong([1, 2]), .ping([]), .pong([1, 2])),
      Case("a ping of 125 bytes", ClientFrame.ping([UInt8](long.prefix(125))), .ping([UInt8](long.prefix(125)))),
      Case("three messages", (1...3).flatMap { ClientFrame.text("m\($0)") }, .text("m1"), .text("m2"), .text("m3")),
      Case("fragments", ClientFrame.fragments([[1], [], [2, 3], []], first: 0x02), .binary([1, 2, 3])),
      Case("empty fragments", ClientFrame.fragments([[], [], []]), .text("")),
      Case(
        "control frames between fragments",
        ClientFrame.bytes(first: 0x01, [0xE2, 0x82]) + ClientFrame.ping([9]) + ClientFrame.bytes(first: 0x00, [0xAC])
          + ClientFrame.pong() + ClientFrame.bytes(first: 0x80) + ClientFrame.text("next"),
        .ping([9]), .pong([]), .text("€"), .text("next")),
      Case("a close without a code", ClientFrame.bytes(first: 0x88), .close(nil, [])),
      Case("a close with a code", ClientFrame.close(1000), .close(1000, [])),
      Case(
        "a close with a reason", ClientFrame.close(4999, [UInt8]("tschüß".utf8)), .close(4999, [UInt8]("tschüß".utf8))),
      Case(
        "a close with the longest reason", ClientFrame.close(1001, [UInt8](repeating: 0x61, count: 123)),
        .close(1001, [UInt8](repeating: 0x61, count: 123))),
      Case("nothing after a close", ClientFrame.close(1000) + ClientFrame.text("x") + [0xFF], .close(1000, [])),
      Case("a close between fragments", ClientFrame.bytes(first: 0x01) + ClientFrame.close(1001), .close(1001, [])),
    ]
  }

  static var refused: [Case] {
    [
      Case("an unmasked frame", ClientFrame.bytes(first: 0x81, [0x61], isMasked: false), .invalid(1002)),
      Case("an unmasked ping", ClientFrame.bytes(first: 0x89, isMasked: false), .invalid(1002)),
      Case("reserved bit 1", ClientFrame.bytes(first: 0xC1), .invalid(1002)),
      Case("reserved bit 2", ClientFrame.bytes(first: 0xA1), .invalid(1002)),
      Case("reserved bit 3", ClientFrame.bytes(first: 0x91), .invalid(1002)),
      Case("a fragmented ping", ClientFrame.bytes(first: 0x09), .invalid(1002)),
      Case("a fragmented close", ClientFrame.bytes(first: 0x08), .invalid(1002)),
      Case("a ping of 126 bytes", ClientFrame.ping([UInt8](long.prefix(126))), .invalid(1002)),
      Case("a long form in a ping", ClientFrame.bytes(first: 0x89, [1], lengthBytes: 8), .invalid(1002)),
      Case("a continuation of nothing", ClientFrame.bytes(first: 0x80, [0x61]), .invalid(1002)),
      Case("a continuation that goes on with nothing", ClientFrame.bytes(first: 0x00, [0x61]), .invalid(1002)),
      Case(
        "a continuation after the end", ClientFrame.fragments([[1], [2]], first: 2) + ClientFrame.bytes(first: 0x80),
        .binary([1, 2]), .invalid(1002)),
      Case(
        "a text inside a fragmented message", ClientFrame.bytes(first: 0x01) + ClientFrame.text("x"), .invalid(1002)),
      Case(
        "a fragment of binary inside text", ClientFrame.bytes(first: 0x01) + ClientFrame.bytes(first: 0x02),
        .invalid(1002)),
      Case(
        "125 in two bytes", ClientFrame.bytes(first: 0x82, [UInt8](long.prefix(125)), lengthBytes: 2), .invalid(1002)),
      Case("65,535 in eight bytes", ClientFrame.header(first: 0x82, length: 65535, lengthBytes: 8), .invalid(1002)),
      Case("0 in eight bytes", ClientFrame.header(first: 0x82, length: 0, lengthBytes: 8), .invalid(1002)),
      Case("the length's top bit", ClientFrame.header(first: 0x82, length: 1 << 63), .invalid(1002)),
      Case("all bits of the length", ClientFrame.header(first: 0x82, length: .max), .invalid(1002)),
      Case("the greatest length", ClientFrame.header(first: 0x82, length: .max >> 1), .invalid(1009)),
      Case("the greatest length of a text", ClientFrame.header(first: 0x01, length: .max >> 1), .invalid(1009)),
      Case("a close of one byte", ClientFrame.bytes(first: 0x88, [3]), .invalid(1002)),
      Case("a close reason that is not UTF-8", ClientFrame.close(1000, [0x61, 0xFF]), .invalid(1007)),
      Case("a close reason that ends inside a character", ClientFrame.close(1000, [0xE2, 0x82]), .invalid(1007)),
      Case("text that is not UTF-8", ClientFrame.text([0x61, 0xFF, 0x62]), .invalid(1007)),
      Case("text that ends inside a character", ClientFrame.text([0x61, 0xE2, 0x82]), .invalid(1007)),
      Case("text that ends so after fragments", ClientFrame.fragments([[0x61], [0xE2], [0x82], []]), .invalid(1007)),
      Case("nothing after an error", ClientFrame.bytes(first: 0x83) + ClientFrame.text("x"), .invalid(1002)),
    ]
  }

  @Test(arguments: accepted + refused)
  func `what comes in one read is decoded`(_ given: Case) {
    #expect(FrameReader.read(given.bytes) == given.events)
  }

  @Test(arguments: accepted + refused)
  func `what is split anywhere is decoded the same`(_ given: Case) {
    for cut in 0...given.bytes.count {
      #expect(FrameReader.read(given.bytes, cuts: [cut]) == given.events, "cut at \(cut)")
    }
  }

  @Test(arguments: accepted + refused)
  func `what comes byte by byte is decoded the same`(_ given: Case) {
    #expect(FrameReader.readByteByByte(given.bytes).events == given.events)
  }

  @Test(arguments: accepted + refused)
  func `the tables agree with the reference decoder`(_ given: Case) {
    #expect(ReferenceDecoder.decode(given.bytes, messageBytesMax: 1 << 20) == given.events)
  }

  @Test(arguments: [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] as [UInt8])
  func `a reserved opcode is refused, final or not`(_ opcode: UInt8) {
    #expect(FrameReader.read(ClientFrame.bytes(first: 0x80 | opcode)) == [.invalid(1002)])
    #expect(FrameReader.read(ClientFrame.bytes(first: opcode)) == [.invalid(1002)])
  }

  @Test func `every close code that may not be sent is refused, every other is taken`() {
    for code in UInt16.min...UInt16.max {
      let isUsable = CloseCode.mayBeSent(code)
      #expect(FrameReader.read(ClientFrame.close(code)) == [isUsable ? .close(code, []) : .invalid(1002)])
    }
  }

  @Test(arguments: [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 71, 72, 127, 128, 129, 1000, 65_535, 65_536, 70_000,
  ])
  func `payload of any length is unmasked`(_ count: Int) {
    let payload = [UInt8](Self.longer.prefix(count))
    let frame = ClientFrame.bytes(first: 0x82, payload, key: [1, 2, 4, 8])
    #expect(FrameReader.read(frame) == [.binary(payload)])
    #expect(FrameReader.read(frame, cuts: [frame.count / 3, frame.count / 2]) == [.binary(payload)])
  }

  @Test func `a message that lies whole in the input is handed out in place`() {
    var bytes = ClientFrame.text("ab") + ClientFrame.binary(Self.long) + ClientFrame.ping([7])
    bytes.withUnsafeMutableBytes { buffer in
      var parser = FrameParser(messageBytesMax: 1000)
      var input = buffer
      for offset in [6, 8 + 8, 8 + 208 + 6] {
        switch parser.next(&input) {
        case .message(_, let payload), .ping(let payload):
          #expect(payload.baseAddress == UnsafeRawPointer(buffer.baseAddress! + offset))
        default: Issue.record("no message at \(offset)")
        }
      }
    }
  }

  @Test(arguments: [
    ClientFrame.text(""), ClientFrame.fragments([[], []]), ClientFrame.ping(), ClientFrame.close(1000),
  ])
  func `an empty payload has an address`(_ bytes: [UInt8]) {
    for cut in 1...bytes.count {
      var parser = FrameParser(messageBytesMax: 0)
      var (head, tail) = ([UInt8](bytes[..<cut]), [UInt8](bytes[cut...]))
      var addresses: [UnsafeRawPointer?] = []
      let read = { (buffer: UnsafeMutableRawBufferPointer) in
        var input = buffer
        while true {
          switch parser.next(&input) {
          case .message(_, let payload), .ping(let payload), .close(_, let payload):
            addresses.append(payload.baseAddress)
          case .needMore: return
          case .pong, .invalid: Issue.record("not what was sent")
          }
        }
      }
      head.withUnsafeMutableBytes(read)
      tail.withUnsafeMutableBytes(read)
      #expect(addresses.count == 1 && addresses.allSatisfy { $0 != nil }, "cut at \(cut)")
    }
  }

  @Test func `an input of nothing is harmless`() {
    var parser = FrameParser(messageBytesMax: 10)
    var input = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    #expect(FrameEvent(parser.next(&input)) == nil)
  }

  @Test func `a parser is small`() {
    #expect(MemoryLayout<FrameParser>.stride <= 32)
  }
}
