/// An encoded message on its way to other workers: immutable, so any thread may read it, and made once for all of them.
final class SharedFrame: Sendable {
  let count: Int
  /// How many messages the bytes hold, each one whole frame: one, or as many as a sender put together.
  let messages: Int
  /// Written in `init`, only read after it.
  nonisolated(unsafe) private let base: UnsafeMutableRawPointer

  /// `fill` writes exactly `size` bytes.
  init(size: Int, messages: Int = 1, fill: (UnsafeMutableRawPointer) -> Void) {
    count = size
    self.messages = messages
    base = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 16)
    fill(base)
  }

  deinit { base.deallocate() }

  /// Copies all `count` bytes.
  func copy(to target: UnsafeMutableRawPointer) { target.copyMemory(from: base, byteCount: count) }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: base, count: count))
  }
}
