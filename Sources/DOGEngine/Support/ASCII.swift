/// Bytes as ASCII reads them, which is how the protocols here read text: no locale, and beyond 127 no letter.
enum ASCII {
  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  @inline(__always)
  static func isLetter(_ byte: UInt8) -> Bool {
    let small = byte | 0x20
    return small >= UInt8(ascii: "a") && small <= UInt8(ascii: "z")
  }

  @inline(__always)
  static func isLetterOrDigit(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

  @inline(__always)
  static func lowercase(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  /// Of a token (RFC 9110, section 5.6.2): a method, a header's name, a subprotocol.
  @inline(__always)
  static func isTokenByte(_ byte: UInt8) -> Bool {
    let bits = byte < 64 ? tokenBits.low : tokenBits.high
    return byte < 128 && bits &>> UInt64(byte & 63) & 1 == 1
  }

  /// A bit for each byte below 64, and for each from there to 127: set if a token may have it.
  private static var tokenBits: (low: UInt64, high: UInt64) { (0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe) }

  /// What a text is made of, as far as its bytes tell.
  struct Makeup {
    /// A byte below 0x20, or 0x7f.
    let hasControl: Bool
    /// No byte from 0x80 on.
    let isASCII: Bool
  }

  /// Eight bytes at a time.
  static func makeup(of bytes: UnsafeRawBufferPointer) -> Makeup {
    var controls: UInt64 = 0
    var all: UInt64 = 0
    func take(_ word: UInt64) {
      all |= word
      // Each subtraction sets the high bit of a byte that is looked for. Its borrow can falsely mark a higher byte, but
      // only above one that is marked rightly.
      let deletes = word ^ 0x7f7f_7f7f_7f7f_7f7f
      controls |= (word &- 0x2020_2020_2020_2020) & ~word | (deletes &- 0x0101_0101_0101_0101) & ~deletes
    }
    var offset = 0
    while offset &+ 8 <= bytes.count {
      take(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset &+= 8
    }
    if offset < bytes.count {
      if offset > 0 {
        // Some of them once more.
        take(bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self))
      } else {
        // The bytes that are missing are spaces.
        var word: UInt64 = 0x2020_2020_2020_2020
        for byte in bytes { word = word &<< 8 | UInt64(byte) }
        take(word)
      }
    }
    return Makeup(hasControl: controls & 0x8080_8080_8080_8080 != 0, isASCII: all & 0x8080_8080_8080_8080 == 0)
  }

  /// The offset of the first byte below 0x20, or 0x7f, from `start` on; eight bytes at a time.
  @inline(__always)
  static func firstControl(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var offset = start
    while offset &+ 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let deletes = word ^ 0x7f7f_7f7f_7f7f_7f7f
      let marks = (word &- 0x2020_2020_2020_2020) & ~word | (deletes &- 0x0101_0101_0101_0101) & ~deletes
      // The lowest mark is right: see `makeup`.
      if marks & 0x8080_8080_8080_8080 != 0 {
        return offset &+ (marks & 0x8080_8080_8080_8080).trailingZeroBitCount / 8
      }
      offset &+= 8
    }
    while offset < bytes.count {
      if bytes[offset] < 0x20 || bytes[offset] == 0x7f { return offset }
      offset &+= 1
    }
    return nil
  }

  /// White space within a line (RFC 9110, section 5.6.3).
  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  /// Without blanks at either end.
  @inline(__always)
  static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
    var slice = bytes[...]
    while let first = slice.first, isBlank(first) { slice.removeFirst() }
    while let last = slice.last, isBlank(last) { slice.removeLast() }
    return slice
  }
}
