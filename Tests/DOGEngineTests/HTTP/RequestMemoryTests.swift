import Glibc
import Testing

@testable import DOGEngine

/// The scanner reads words; here the page behind the input faults when touched.
@Suite struct RequestMemoryTests {
  private struct Page: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let pageSize = Int(getpagesize())

    init() {
      guard let base = mmap(nil, 2 * pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        base != MAP_FAILED, mprotect(base + pageSize, pageSize, PROT_NONE) == 0
      else { preconditionFailure("no pages: errno \(errno)") }
      self.base = base
    }

    deinit { munmap(base, 2 * pageSize) }

    /// At most a page of content, whose last byte is the page's last.
    func filled(with content: ArraySlice<UInt8>) -> UnsafeRawBufferPointer {
      let buffer = UnsafeMutableRawBufferPointer(start: base + pageSize - content.count, count: content.count)
      buffer.copyBytes(from: content)
      return UnsafeRawBufferPointer(buffer)
    }
  }

  @Test func `the parser touches nothing behind its input`() {
    let page = Page()
    for text in RequestSamples.valid + RequestSamples.refused.map(\.text) where text.utf8.count < 2000 {
      let bytes = [UInt8](text.utf8)
      for count in 0...bytes.count {
        var parser = RequestParser(limits: Parsing.limits, remote: "")
        for part in [bytes[..<count], bytes[count...]] {
          var input = page.filled(with: part)
          reading: while true {
            switch parser.next(&input) {
            case .request, .continueExpected: continue
            case .needMore, .invalid: break reading
            }
          }
        }
      }
    }
  }
}
