/// The bytes of a body. Room is made as bytes arrive: a length that a client merely announces costs nothing.
struct BodyBuffer: ~Copyable, @unchecked Sendable {
  private var base: UnsafeMutableRawPointer?
  private(set) var count = 0
  private(set) var capacity = 0

  init() {}

  deinit { base?.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// `countMax` is how long the body can become, as far as is known.
  mutating func append(_ bytes: UnsafeRawBufferPointer, countMax: Int) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(count + bytes.count, countMax: countMax)
    guard let base else { return }
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Gives the content away and is empty afterwards.
  mutating func take() -> BodyBuffer {
    var taken = BodyBuffer()
    swap(&taken, &self)
    return taken
  }

  private mutating func reserve(_ needed: Int, countMax: Int) {
    guard needed > capacity else { return }
    capacity = max(needed, min(capacity * 2, countMax))
    let moved = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    if let base {
      moved.copyMemory(from: base, byteCount: count)
      base.deallocate()
    }
    base = moved
  }
}
