/// Bytes that many sockets may wait to send: written by one owner, then read by all who hold a reference. Lives on one
/// worker.
///
/// An outbox refers to a queued stretch by offset. Growing moves the storage. So an owner whose stretches may be in the
/// kernel's hands, by pointer, never extends past `capacity` (`BytesWriter`, `SegmentQueue`).
final class SharedBytes {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var count = 0
  private(set) var capacity: Int

  init(capacity: Int) {
    self.capacity = max(capacity, 64)
    base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Room for `count` more bytes at the end, which now belong to the content and which the caller fills.
  func extend(by count: Int) -> UnsafeMutableRawPointer {
    let needed = self.count + count
    if needed > capacity { grow(to: needed) }
    let start = base + self.count
    self.count = needed
    return start
  }

  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    extend(by: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Empties it and keeps the storage. Only when nobody refers to a stretch of it.
  func removeAll() { count = 0 }

  private func grow(to needed: Int) {
    let larger = max(needed, capacity * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    moved.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = moved
    capacity = larger
  }
}
