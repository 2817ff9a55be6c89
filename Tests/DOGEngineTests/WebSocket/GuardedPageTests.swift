import Glibc
import Testing

@testable import DOGEngine

/// The fast loops read and write words; here the page before the input and the page after it fault when touched.
@Suite struct GuardedPageTests {
  private struct Page: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let pageSize = Int(getpagesize())

    init() {
      let flags = MAP_PRIVATE | MAP_ANONYMOUS
      guard let base = mmap(nil, 3 * pageSize, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED,
        mprotect(base, pageSize, PROT_NONE) == 0, mprotect(base + 2 * pageSize, pageSize, PROT_NONE) == 0
      else { preconditionFailure("no pages: errno \(errno)") }
      self.base = base
    }

    deinit { munmap(base, 3 * pageSize) }

    /// The bytes of `content`, right behind the first guard or right before the second.
    func filled(with content: [UInt8], atEnd: Bool) -> UnsafeMutableRawBufferPointer {
      let offset = atEnd ? pageSize - content.count : 0
      let buffer = UnsafeMutableRawBufferPointer(start: base + pageSize + offset, count: content.count)
      buffer.copyBytes(from: content)
      return buffer
    }
  }

  @Test(arguments: [true, false])
  func `the parser touches nothing outside of its input`(_ atEnd: Bool) {
    let page = Page()
    for count in 0...300 {
      let payload = (0..<count).map { $0 % 2 == 0 ? 0xC3 : 0xA4 as UInt8 }
      for frame in [ClientFrame.binary(payload), ClientFrame.text([UInt8](payload.prefix(count / 2 * 2)))] {
        for cut in [frame.count, frame.count - 1, 6, 3] where cut <= frame.count {
          var reader = FrameReader()
          reader.read(inPlace: page.filled(with: [UInt8](frame[..<cut]), atEnd: atEnd))
          reader.read(inPlace: page.filled(with: [UInt8](frame[cut...]), atEnd: atEnd))
          #expect(reader.received.count == 1, "\(count) bytes cut at \(cut)")
        }
      }
    }
  }

  @Test(arguments: [true, false])
  func `the validator touches nothing outside of its input`(_ atEnd: Bool) {
    let page = Page()
    for count in 0...300 {
      let buffer = page.filled(with: [UInt8](repeating: 0x61, count: count), atEnd: atEnd)
      #expect(UTF8Validator.isValid(UnsafeRawBufferPointer(buffer)))
    }
  }
}
