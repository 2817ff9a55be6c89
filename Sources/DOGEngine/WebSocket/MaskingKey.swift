/// RFC 6455, section 5.3: the four bytes that a client's payload is XORed with.
struct MaskingKey {
  /// First byte of the key lowest, whatever the machine's byte order.
  private let bits: UInt32

  /// `asLoaded` is the key as its four bytes lie in memory.
  init(_ asLoaded: UInt32) { bits = UInt32(littleEndian: asLoaded) }

  private init(bits: UInt32) { self.bits = bits }

  /// The key for payload that begins `offset` bytes into the frame.
  @inline(__always)
  func advanced(by offset: Int) -> MaskingKey {
    let shift = UInt32(truncatingIfNeeded: offset & 3) * 8
    return MaskingKey(bits: bits &>> shift | bits &<< ((32 - shift) & 31))
  }

  /// Unmasks `count` bytes in place and returns whether the plain bytes are all ASCII. That costs next to nothing here,
  /// and most text then needs no UTF-8 validation.
  @inline(__always)
  func unmask(_ bytes: UnsafeMutableRawPointer, count: Int) -> Bool {
    count < 8 ? unmaskFew(bytes, count: count) : unmaskWords(bytes, count: count)
  }

  @inline(__always)
  private func unmaskFew(_ bytes: UnsafeMutableRawPointer, count: Int) -> Bool {
    var rest = bits
    var seen: UInt8 = 0
    for index in 0..<count {
      let plain = bytes.load(fromByteOffset: index, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
      bytes.storeBytes(of: plain, toByteOffset: index, as: UInt8.self)
      seen |= plain
      rest = rest &>> 8 | rest &<< 24
    }
    return seen < 0x80
  }

  @inline(__always)
  private func unmaskWords(_ bytes: UnsafeMutableRawPointer, count: Int) -> Bool {
    let mask = word
    // The last eight bytes are one word, read before the loop writes to some of them: so no loop over single bytes
    // follows.
    let lastOffset = count - 8
    let last = bytes.loadUnaligned(fromByteOffset: lastOffset, as: UInt64.self) ^ advanced(by: lastOffset).word
    var seen = last
    var offset = 0
    if count >= 64 {
      let wideMask = SIMD8<UInt64>(repeating: mask)
      var wideSeen = SIMD8<UInt64>.zero
      while count - offset >= 64 {
        let plain = bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self) ^ wideMask
        bytes.storeBytes(of: plain, toByteOffset: offset, as: SIMD8<UInt64>.self)
        wideSeen |= plain
        offset += 64
      }
      let half = wideSeen.lowHalf | wideSeen.highHalf
      seen |= half[0] | half[1] | half[2] | half[3]
    }
    while offset < lastOffset {
      let plain = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ mask
      bytes.storeBytes(of: plain, toByteOffset: offset, as: UInt64.self)
      seen |= plain
      offset += 8
    }
    bytes.storeBytes(of: last, toByteOffset: lastOffset, as: UInt64.self)
    return seen & 0x8080_8080_8080_8080 == 0
  }

  /// The key twice, as it would be loaded from memory.
  @inline(__always)
  private var word: UInt64 { (UInt64(bits) << 32 | UInt64(bits)).littleEndian }
}
