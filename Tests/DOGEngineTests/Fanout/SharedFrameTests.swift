import Testing

@testable import DOGEngine

@Suite struct SharedFrameTests {
  @Test func `it holds what it was filled with, for any thread`() async {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let frame = SharedFrame(size: bytes.count, messages: 3) { target in
      UnsafeMutableRawBufferPointer(start: target, count: bytes.count).copyBytes(from: bytes)
    }
    #expect(frame.count == 1000)
    #expect(frame.messages == 3)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 { group.addTask { frame.withBytes { Array($0) == bytes } } }
      for await isSame in group { #expect(isSame) }
    }
  }
}
