import Testing

@testable import DOGEngine

@Suite struct FrameWalkTests {
  private func walk(_ bytes: [UInt8]) -> FrameWalk.Frame {
    let shared = FanoutSupport.shared(bytes)
    return FrameWalk.frame(at: shared.base, available: bytes.count)
  }

  @Test(arguments: [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 70000])
  func `a frame ends where its header says`(payload: Int) {
    let frame = FanoutSupport.frame([UInt8](repeating: 7, count: payload))
    #expect(walk(frame) == FrameWalk.Frame(size: frame.count, isControl: false))
    #expect(walk(frame + [0x81, 0x01, 0x41]) == FrameWalk.Frame(size: frame.count, isControl: false))
  }

  @Test(arguments: [(1, false), (2, false), (8, true), (9, true), (10, true)])
  func `an opcode of 8 and above is control`(opcode: UInt8, isControl: Bool) {
    let frame = FanoutSupport.frame([1, 2, 3], opcode: opcode)
    #expect(walk(frame) == FrameWalk.Frame(size: 5, isControl: isControl))
    let compressed = [frame[0] | 0x40] + frame.dropFirst()
    #expect(walk(compressed) == FrameWalk.Frame(size: 5, isControl: isControl))
  }

  @Test(arguments: [3, 200, 70000])
  func `a frame cut anywhere is one data frame to its end`(payload: Int) {
    let frame = FanoutSupport.frame([UInt8](repeating: 7, count: payload))
    for count in Array(1..<min(frame.count, 20)) + [frame.count - 1] {
      #expect(walk(Array(frame.prefix(count))) == FrameWalk.Frame(size: count, isControl: false))
    }
  }

  @Test func `a length past all bounds ends with the bytes`() {
    for first: UInt8 in [0x7f, 0x80, 0xff] {
      let frame: [UInt8] = [0x82, 127, first] + [UInt8](repeating: 0xff, count: 7)
      #expect(walk(frame) == FrameWalk.Frame(size: 10, isControl: false))
    }
  }

  @Test func `the next boundary is found from any point`() {
    let sizes = [3, 130, 2, 70, 4000]
    let frames = sizes.map { FanoutSupport.frame([UInt8](repeating: 1, count: $0)) }
    let shared = FanoutSupport.shared(Array(frames.joined()))
    var ends = [0]
    for frame in frames { ends.append(ends[ends.count - 1] + frame.count) }
    for point in 0...shared.count {
      let found = FrameWalk.boundary(in: shared, from: 0, reaching: point, end: shared.count)
      let expected = ends.first { $0 >= point }
      #expect(found == expected)
    }
  }
}
