/// How messages to a socket are encoded: as they are, or compressed for a window of a certain size. Sockets of one
/// encoding get the same bytes.
struct FrameEncoding: Hashable, Sendable {
  /// 0 for plain, else 8 to 15.
  let windowBits: Int

  /// The smallest window that zlib compresses with.
  static var smallWindowBits: Int { 9 }

  static var plain: FrameEncoding { FrameEncoding(windowBits: 0) }
  /// Those that compress, the largest window first.
  static var compressed: StrideTo<Int> { stride(from: 15, to: 7, by: -1) }

  var isPlain: Bool { windowBits == 0 }

  /// Which window to compress `count` bytes with, for a peer that holds `windowBits`; 0: not at all.
  ///
  /// A window larger than the message finds nothing more in it. So short messages get a small one, which is quick to
  /// clear, and which is mostly the same for all peers: one frame serves them all. zlib never looks further back than
  /// its window less 262 bytes. It has no window of 8 bits for raw DEFLATE: a peer with no more than that gets only
  /// messages compressed that are no longer.
  func deflateBits(forMessageOf count: Int) -> Int {
    if windowBits < 9 { return count <= 1 << windowBits ? 9 : 0 }
    let lookahead = 262
    let fitting = Int.bitWidth - (count + lookahead - 1).leadingZeroBitCount
    return min(max(fitting, 9), windowBits)
  }
}

/// A set of encodings, as other threads may read it.
struct FrameEncodingSet: Equatable, Sendable {
  /// Bit i for a window of i bits; bit 0 for plain.
  var bits: UInt16 = 0

  var isEmpty: Bool { bits == 0 }

  mutating func formUnion(_ other: FrameEncodingSet) { bits |= other.bits }

  func contains(_ encoding: FrameEncoding) -> Bool { bits & 1 << UInt16(truncatingIfNeeded: encoding.windowBits) != 0 }

  mutating func insert(_ encoding: FrameEncoding) { bits |= 1 << UInt16(truncatingIfNeeded: encoding.windowBits) }
}
