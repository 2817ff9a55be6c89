/// The writing end of a `SharedBytes`: it adds at the end and gives the storage back when done.
///
/// A stretch of it may be in the kernel's hands, by pointer, while more is added: a receiver that caught up in mid-turn
/// has a write in flight. So storage never moves once it is made. Content that outgrows it goes on in a larger copy, in
/// which all offsets hold; the smaller one stays as it is for those who refer to it.
struct BytesWriter {
  private(set) var bytes: SharedBytes?
  /// The size of the content before this one: the next storage has room for as much from the start.
  private var countBefore = 0

  var count: Int { bytes?.count ?? 0 }

  /// Room for `size` more bytes, which the caller fills.
  mutating func extend(by size: Int, pool: BytesPool) -> UnsafeMutableRawPointer {
    if let bytes, size <= bytes.capacity - bytes.count { return bytes.extend(by: size) }
    return move(toFit: size, pool: pool).extend(by: size)
  }

  /// The content is done with: the storage goes back to the pool, or stays with those who still refer to it.
  mutating func finish(pool: BytesPool) {
    countBefore = count
    release(to: pool)
  }

  @inline(never)
  private mutating func move(toFit size: Int, pool: BytesPool) -> SharedBytes {
    let larger = pool.take(atLeast: max(count + size, bytes == nil ? countBefore : count * 2))
    if let bytes { larger.append(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)) }
    release(to: pool)
    bytes = larger
    return larger
  }

  private mutating func release(to pool: BytesPool) {
    guard isKnownUniquelyReferenced(&bytes), let last = bytes.take() else {
      bytes = nil
      return
    }
    pool.give(last)
  }
}
