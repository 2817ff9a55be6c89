import Glibc
import Testing

@testable import DOGEngine

/// What is refused by libuv or zlib as it is made gives its memory back once.
@Suite struct FailingStartTests {
  @Test func `a listener of what cannot be watched is none`() throws {
    let loop = try EventLoop()
    defer {
      loop.close()
      loop.run()
    }
    for _ in 0..<8 {
      // epoll knows no regular files.
      let descriptor = open("/proc/self/cmdline", O_RDONLY)
      #expect(throws: Status.system) {
        _ = try Listener(descriptor: descriptor, of: Endpoint(), on: loop, onConnection: { _ in }, onError: { _ in })
      }
    }
  }

  @Test func `a deflater with a window that zlib does not know is none`() {
    for _ in 0..<8 { #expect(Deflater(windowBits: 99, level: 1) == nil) }
  }
}
