/// A number that is not negative, as decimal digits.
struct DecimalDigits {
  private let number: Int
  let count: Int

  init(_ number: Int) {
    assert(number >= 0)
    self.number = number
    var count = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    self.count = count
  }

  /// Moves `target` behind the digits.
  func write(to target: inout UnsafeMutableRawPointer) {
    var rest = UInt(bitPattern: number)
    for place in (0..<count).reversed() {
      let digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      target.storeBytes(of: digit, toByteOffset: place, as: UInt8.self)
      rest /= 10
    }
    target += count
  }
}
