/// The id of a Shard that the host does not name: 128 random bits in hex.
enum ShardID {
  static func random() -> Name {
    var generator = SystemRandomNumberGenerator()
    var digits: [UInt8] = []
    digits.reserveCapacity(32)
    for word in [generator.next() as UInt64, generator.next() as UInt64] {
      for shift in stride(from: 60, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift) & 0xf)
        digits.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
      }
    }
    return Name(hex: digits)
  }
}
