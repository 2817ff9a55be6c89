/// SipHash-1-3, which is also Swift's own for `Hashable`, over one stretch of bytes: nobody who does not know the key
/// can choose names that collide. Swift's `Hasher` takes three times as long for a short name.
struct KeyedHash: Sendable {
  /// Of this process.
  static let shared = KeyedHash(key: (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)))

  private let key: (UInt64, UInt64)

  init(key: (UInt64, UInt64)) { self.key = key }

  func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = State(key)
    var offset = 0
    while offset &+ 8 <= bytes.count {
      state.take(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset &+= 8
    }
    state.take(UInt64(truncatingIfNeeded: bytes.count) &<< 56 | KeyedHash.rest(of: bytes, from: offset))
    return state.end()
  }

  /// The bytes behind the last whole word, fewer than eight.
  @inline(__always)
  private static func rest(of bytes: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
    let count = bytes.count &- start
    guard count > 0 else { return 0 }
    if start > 0 {
      let word = bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
      return UInt64(littleEndian: word) &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count)
    }
    var rest: UInt64 = 0
    for byte in bytes.reversed() { rest = rest &<< 8 | UInt64(byte) }
    return rest
  }

  private struct State {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    @inline(__always)
    init(_ key: (UInt64, UInt64)) {
      v0 = key.0 ^ 0x736f_6d65_7073_6575
      v1 = key.1 ^ 0x646f_7261_6e64_6f6d
      v2 = key.0 ^ 0x6c79_6765_6e65_7261
      v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    mutating func take(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
    }

    @inline(__always)
    mutating func end() -> UInt64 {
      v2 ^= 0xff
      round()
      round()
      round()
      return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func round() {
      v0 &+= v1
      v1 = State.rotate(v1, 13) ^ v0
      v0 = State.rotate(v0, 32)
      v2 &+= v3
      v3 = State.rotate(v3, 16) ^ v2
      v0 &+= v3
      v3 = State.rotate(v3, 21) ^ v0
      v2 &+= v1
      v1 = State.rotate(v1, 17) ^ v2
      v2 = State.rotate(v2, 32)
    }

    @inline(__always)
    private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
  }
}
