import CUV
import Glibc

/// A flag that other event loops can wait for: its descriptor is readable exactly while it is up. It is a pipe with one
/// byte in it, because every system has pipes.
///
/// `raise` and `lower` are called in turn, under a lock of its owner's; `wait` on any thread.
struct ReadyFlag: ~Copyable {
  let descriptor: Int32
  private let writer: Int32

  init() throws(Status) {
    var ends: (uv_file, uv_file) = (-1, -1)
    let result = withUnsafeMutablePointer(to: &ends) {
      $0.withMemoryRebound(to: uv_file.self, capacity: 2) {
        uv_pipe($0, Int32(UV_NONBLOCK_PIPE.rawValue), Int32(UV_NONBLOCK_PIPE.rawValue))
      }
    }
    guard result == 0 else {
      throw .system.because("there is no descriptor for the queue of events: \(SystemError(uv: result))")
    }
    descriptor = ends.0
    writer = ends.1
  }

  deinit {
    close(descriptor)
    close(writer)
  }

  func raise() {
    var byte: UInt8 = 1
    while write(writer, &byte, 1) < 0, errno == EINTR {}
  }

  func lower() {
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) < 0, errno == EINTR {}
  }

  /// Returns when the flag is up, when the time is over, or on a signal.
  func wait(timeoutMs: Int32) {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&waited, 1, timeoutMs)
  }
}
