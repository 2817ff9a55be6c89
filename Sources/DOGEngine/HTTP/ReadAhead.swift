/// What a client has sent ahead: it waits while an earlier request is answered.
///
/// Requests are taken from the front by an offset. A byte is moved once when it comes, and again only after as many
/// bytes were taken as are left. So reading n requests costs O(n), however many wait behind each.
struct ReadAhead {
  private var bytes: [UInt8] = []
  /// Bytes at the front that were taken.
  private var taken = 0
  /// How many bytes were moved in memory so far, for the tests.
  private(set) var bytesMoved = 0

  var count: Int { bytes.count - taken }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ more: UnsafeRawBufferPointer) {
    if taken > 0, taken >= count {
      bytesMoved += count
      bytes.removeFirst(taken)
      taken = 0
    }
    bytesMoved += more.count
    bytes.append(contentsOf: more)
  }

  /// Only the last `count` bytes are left.
  mutating func keepLast(_ count: Int) {
    assert(count <= self.count)
    taken = bytes.count - count
    if count == 0 { removeAll() }
  }

  mutating func removeAll() {
    bytes = []
    taken = 0
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[taken...])) }
  }

  var array: [UInt8] { [UInt8](bytes[taken...]) }
}
