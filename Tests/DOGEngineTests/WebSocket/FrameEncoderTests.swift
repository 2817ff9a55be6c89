import Testing

@testable import DOGEngine

@Suite struct FrameEncoderTests {
  private static func encode(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
    exactly(FrameEncoder.frameSize(payload: payload.count)) { destination in
      payload.withUnsafeBytes { FrameEncoder.write(opcode: opcode, payload: $0, to: destination) }
    }
  }

  private static func encodeClose(_ code: UInt16, _ reason: [UInt8]) -> [UInt8] {
    exactly(FrameEncoder.closeSize(code: code, reasonCount: reason.count)) { destination in
      reason.withUnsafeBytes { FrameEncoder.writeClose(code: code, reason: $0, to: destination) }
    }
  }

  /// The `size` bytes that `write` fills in; that it writes no more is checked here.
  private static func exactly(_ size: Int, write: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: size + 16)
    bytes.withUnsafeMutableBytes { write($0.baseAddress!) }
    #expect(bytes[size...].allSatisfy { $0 == 0xEE })
    return [UInt8](bytes[..<size])
  }

  @Test func `the RFC's samples`() {
    #expect(Self.encode(.text, [UInt8]("Hello".utf8)) == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(Self.encode(.pong, [UInt8]("Hello".utf8)) == [0x8A, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(Self.encode(.binary, [UInt8](repeating: 1, count: 256)).prefix(4) == [0x82, 0x7E, 0x01, 0x00])
    let large = Self.encode(.binary, [UInt8](repeating: 1, count: 65536))
    #expect(large.prefix(10) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  @Test(arguments: [(0, 2), (1, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
  func `the header has the smallest form`(_ payload: Int, _ headerSize: Int) {
    let bytes = [UInt8](repeating: 7, count: payload)
    let frame = Self.encode(.binary, bytes)
    #expect(FrameEncoder.headerSize(payload: payload) == headerSize)
    #expect(frame.count == headerSize + payload)
    #expect(frame.dropFirst(headerSize) == bytes[...])
  }

  @Test func `close frames`() {
    #expect(Self.encodeClose(0, []) == [0x88, 0])
    #expect(Self.encodeClose(1000, []) == [0x88, 2, 0x03, 0xE8])
    #expect(Self.encodeClose(4999, [UInt8]("bye".utf8)) == [0x88, 5, 0x13, 0x87, 0x62, 0x79, 0x65])
    #expect(Self.encodeClose(1001, [UInt8](repeating: 0x61, count: 123)).count == 127)
  }

  @Test func `the outbox finds the end of each of a row of frames`() {
    let sizes = [0, 1, 125, 126, 300, 65_535, 65_536]
    let frames = sizes.map { Self.encode($0 % 2 == 0 ? .binary : .text, [UInt8](repeating: 1, count: $0)) }
    let bytes = Array(frames.joined()) + Self.encode(.ping, [1, 2]) + Self.encodeClose(1000, [])
    var walked: [FrameWalk.Frame] = []
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
        guard let start = rest.baseAddress else { return }
        walked.append(FrameWalk.frame(at: start, available: rest.count))
        offset += walked[walked.count - 1].size
      }
    }
    let control = FrameWalk.Frame(size: 4, isControl: true)
    #expect(walked == frames.map { FrameWalk.Frame(size: $0.count, isControl: false) } + [control, control])
  }

  @Test func `a close reason that does not fit is our own mistake`() async {
    await #expect(processExitsWith: .failure) {
      var room = [UInt8](repeating: 0, count: 200)
      let reason = [UInt8](repeating: 0x61, count: 124)
      room.withUnsafeMutableBytes { room in
        reason.withUnsafeBytes { FrameEncoder.writeClose(code: 1000, reason: $0, to: room.baseAddress!) }
      }
    }
  }
}
