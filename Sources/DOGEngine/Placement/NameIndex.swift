/// Finds an entry by name in a table that its owner keeps. The names stay there; this has hashes and entry numbers.
///
/// DESIGN. Not a `Dictionary`, because that hashes keys again when another is removed, and each key is bytes on the
/// heap. Here a bucket carries its hash, so removing, growing and passing over other buckets touch no name. Linear
/// probing, at most three quarters full; a removal closes its gap, so no tombstones are left.
struct NameIndex {
  private struct Bucket {
    var hash: UInt32
    var entry: Int32
  }

  private static var empty: Bucket { Bucket(hash: 0, entry: -1) }
  private static var bucketsMin: Int { 16 }

  /// A power of two, or none at all.
  private var buckets: ContiguousArray<Bucket> = []
  private(set) var count = 0

  /// Keyed by the process, so that nobody outside can choose names which collide.
  static func hash(of name: Name) -> UInt32 { name.bytes.withUnsafeBytes { hash(of: $0) } }

  static func hash(of name: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: KeyedHash.shared.hash(name))
  }

  /// The entry with this hash for which `matches` is true.
  @inline(__always)
  func find(_ hash: UInt32, where matches: (Int) -> Bool) -> Int? {
    guard count > 0 else { return nil }
    return buckets.withUnsafeBufferPointer { buckets in
      let mask = buckets.count - 1
      var position = Int(hash) & mask
      while buckets[position].entry >= 0 {
        let bucket = buckets[position]
        if bucket.hash == hash, matches(Int(bucket.entry)) { return Int(bucket.entry) }
        position = (position + 1) & mask
      }
      return nil
    }
  }

  /// The entry must not be in it.
  mutating func insert(_ hash: UInt32, entry: Int) {
    if (count + 1) * 4 > buckets.count * 3 { grow() }
    put(Bucket(hash: hash, entry: Int32(entry)))
    count += 1
  }

  /// The entry must be in it, under this hash.
  mutating func remove(_ hash: UInt32, entry: Int) {
    precondition(count > 0, "entry \(entry) is not in an empty index")
    count -= 1
    buckets.withUnsafeMutableBufferPointer { buckets in
      let mask = buckets.count - 1
      var hole = Int(hash) & mask
      while buckets[hole].entry != Int32(entry) {
        precondition(buckets[hole].entry >= 0, "entry \(entry) is not in the index")
        hole = (hole + 1) & mask
      }
      // A bucket that belongs at the hole or before it moves there, or a search would end too early.
      var position = hole
      while true {
        position = (position + 1) & mask
        let bucket = buckets[position]
        guard bucket.entry >= 0 else { break }
        let wanted = Int(bucket.hash) & mask
        if (position - wanted) & mask >= (position - hole) & mask {
          buckets[hole] = bucket
          hole = position
        }
      }
      buckets[hole] = NameIndex.empty
    }
  }

  private mutating func put(_ bucket: Bucket) {
    buckets.withUnsafeMutableBufferPointer { buckets in
      let mask = buckets.count - 1
      var position = Int(bucket.hash) & mask
      while buckets[position].entry >= 0 { position = (position + 1) & mask }
      buckets[position] = bucket
    }
  }

  private mutating func grow() {
    let smaller = buckets
    buckets = ContiguousArray(repeating: NameIndex.empty, count: max(smaller.count * 2, NameIndex.bucketsMin))
    for bucket in smaller where bucket.entry >= 0 { put(bucket) }
  }

  func checkInvariants() {
    var used = 0
    for (position, bucket) in buckets.enumerated() where bucket.entry >= 0 {
      used += 1
      var before = Int(bucket.hash) & (buckets.count - 1)
      while before != position {
        precondition(buckets[before].entry >= 0, "entry \(bucket.entry) cannot be found past the gap at \(before)")
        before = (before + 1) & (buckets.count - 1)
      }
    }
    precondition(used == count, "\(used) buckets are used, \(count) counted")
    precondition(used < buckets.count || buckets.isEmpty, "no bucket is empty: a search would not end")
  }
}
