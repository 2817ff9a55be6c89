/// Validates UTF-8 (RFC 3629) as it comes, in pieces of any size, and refuses at the first byte that no continuation
/// could make good: overlong forms, surrogates, what is above U+10FFFF, stray and missing continuation bytes.
///
/// DESIGN: a state machine of nine states, whose whole row for one byte fits in a 64-bit word: six bits for each state,
/// which hold the shift that finds the next state's six bits. A step is one load, independent of the state, and one
/// shift; no branch depends on the text. Blocks of ASCII between characters skip even that.
struct UTF8Validator {
  /// The states, each named by its place in a word.
  private enum Place {
    /// Between characters.
    static let start: UInt64 = 0
    static let refused: UInt64 = 6
    /// One, two, three continuation bytes must follow.
    static let one: UInt64 = 12
    static let two: UInt64 = 18
    static let three: UInt64 = 24
    /// After the lead bytes whose next byte has a narrower range.
    static let afterE0: UInt64 = 30
    static let afterED: UInt64 = 36
    static let afterF0: UInt64 = 42
    static let afterF4: UInt64 = 48
    static let all = [start, refused, one, two, three, afterE0, afterED, afterF0, afterF4]
  }

  private static var blockSize: Int { 32 }

  /// A `Place`.
  private var place: UInt8 = 0

  /// True when what was validated does not end inside a character, and nothing was refused.
  var isComplete: Bool { place == 0 }

  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.validate(bytes) && validator.isComplete
  }

  /// False when `bytes`, after all that came before, cannot be part of valid UTF-8; then it stays false.
  mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return UInt64(place) != Place.refused }
    let steps = UTF8Validator.steps
    var state = UInt64(place)
    var offset = 0
    while bytes.count - offset >= UTF8Validator.blockSize {
      if state != Place.start || !UTF8Validator.isASCII(base + offset) {
        for index in offset..<offset + UTF8Validator.blockSize {
          state = steps[Int(base.load(fromByteOffset: index, as: UInt8.self))] &>> state
        }
        state &= 63
        if state == Place.refused { break }
      }
      offset += UTF8Validator.blockSize
    }
    if state != Place.refused {
      for index in offset..<bytes.count {
        state = steps[Int(base.load(fromByteOffset: index, as: UInt8.self))] &>> state
      }
      state &= 63
    }
    place = UInt8(truncatingIfNeeded: state)
    return state != Place.refused
  }

  /// Of one block.
  @inline(__always)
  private static func isASCII(_ bytes: UnsafeRawPointer) -> Bool {
    let words = bytes.loadUnaligned(as: SIMD4<UInt64>.self)
    return (words[0] | words[1] | words[2] | words[3]) & 0x8080_8080_8080_8080 == 0
  }

  /// For each byte, the next place of every state at that state's place. Written once, then only read.
  nonisolated(unsafe) private static let steps: UnsafePointer<UInt64> = {
    let steps = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
    for byte in UInt8.min...UInt8.max {
      steps[Int(byte)] = Place.all.reduce(0) { row, place in row | next(after: place, byte: byte) << place }
    }
    return UnsafePointer(steps)
  }()

  /// RFC 3629, section 4, byte by byte.
  private static func next(after place: UInt64, byte: UInt8) -> UInt64 {
    switch (place, byte) {
    case (Place.start, 0x00...0x7F): Place.start
    case (Place.start, 0xC2...0xDF): Place.one
    case (Place.start, 0xE0): Place.afterE0
    case (Place.start, 0xED): Place.afterED
    case (Place.start, 0xE1...0xEF): Place.two
    case (Place.start, 0xF0): Place.afterF0
    case (Place.start, 0xF1...0xF3): Place.three
    case (Place.start, 0xF4): Place.afterF4
    case (Place.one, 0x80...0xBF): Place.start
    case (Place.two, 0x80...0xBF): Place.one
    case (Place.three, 0x80...0xBF): Place.two
    case (Place.afterE0, 0xA0...0xBF): Place.one
    case (Place.afterED, 0x80...0x9F): Place.one
    case (Place.afterF0, 0x90...0xBF): Place.two
    case (Place.afterF4, 0x80...0x8F): Place.two
    default: Place.refused
    }
  }
}
