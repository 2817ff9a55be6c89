/// Bytes one behind the other, in storage that grows. Its owner alone has it, so that to append counts no reference.
struct ByteStretch: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var count = 0
  private(set) var capacity: Int

  private static var capacityMin: Int { 256 }

  init() {
    capacity = ByteStretch.capacityMin
    base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Room for `count` more bytes at the end, which the caller fills.
  @inline(__always)
  mutating func extend(by count: Int) -> UnsafeMutableRawPointer {
    if self.count + count > capacity { grow(to: self.count + count) }
    defer { self.count += count }
    return base + self.count
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    extend(by: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Empties it. Its storage serves again, unless it is larger than `kept`.
  mutating func removeAll(keeping kept: Int = .max) {
    if capacity > kept { self = ByteStretch() } else { count = 0 }
  }

  @inline(never)
  private mutating func grow(to needed: Int) {
    let larger = max(needed, capacity * 2)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    moved.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = moved
    capacity = larger
  }
}
