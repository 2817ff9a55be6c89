/// Validates UTF-8 (RFC 3629) as it comes, in pieces of any size, and refuses at the first byte that no continuation
/// could make good: overlong forms, surrogates, what is above U+10FFFF, stray and missing continuation bytes.
///
/// DESIGN: a state machine of nine states. The row of its table for one byte fits in a 64-bit word: six bits for each
/// state, which hold the shift that finds the next state's six bits. A step is one load, which does not depend on the
/// state, and one shift; no branch depends on the text. Blocks of ASCII between characters skip even that.
struct UTF8Validator {
  /// The states. The value of each is the offset of its six bits in a word.
  private enum State {
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

  /// A `State`.
  private var current: UInt8 = 0

  /// True when what was validated does not end inside a character, and nothing was refused.
  var isComplete: Bool { current == 0 }

  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.validate(bytes) && validator.isComplete
  }

  /// False when `bytes`, after all that came before, cannot be part of valid UTF-8; then it stays false.
  mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return UInt64(current) != State.refused }
    let steps = UTF8Validator.steps
    var state = UInt64(current)
    var offset = 0
    while bytes.count - offset >= UTF8Validator.blockSize {
      if state != State.start || !UTF8Validator.isASCII(base + offset) {
        for index in offset..<offset + UTF8Validator.blockSize {
          state = steps[Int(base.load(fromByteOffset: index, as: UInt8.self))] &>> state
        }
        state &= 63
        if state == State.refused { break }
      }
      offset += UTF8Validator.blockSize
    }
    if state != State.refused {
      for index in offset..<bytes.count {
        state = steps[Int(base.load(fromByteOffset: index, as: UInt8.self))] &>> state
      }
      state &= 63
    }
    current = UInt8(truncatingIfNeeded: state)
    return state != State.refused
  }

  /// Of one block.
  @inline(__always)
  private static func isASCII(_ bytes: UnsafeRawPointer) -> Bool {
    let words = bytes.loadUnaligned(as: SIMD4<UInt64>.self)
    return (words[0] | words[1] | words[2] | words[3]) & 0x8080_8080_8080_8080 == 0
  }

  /// For each byte a row: the next state of every state, at that state's offset. Written once, then only read.
  nonisolated(unsafe) private static let steps: UnsafePointer<UInt64> = {
    let steps = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
    for byte in UInt8.min...UInt8.max {
      steps[Int(byte)] = State.all.reduce(0) { row, state in row | next(after: state, byte: byte) << state }
    }
    return UnsafePointer(steps)
  }()

  /// RFC 3629, section 4, byte by byte.
  private static func next(after state: UInt64, byte: UInt8) -> UInt64 {
    switch (state, byte) {
    case (State.start, 0x00...0x7F): State.start
    case (State.start, 0xC2...0xDF): State.one
    case (State.start, 0xE0): State.afterE0
    case (State.start, 0xED): State.afterED
    case (State.start, 0xE1...0xEF): State.two
    case (State.start, 0xF0): State.afterF0
    case (State.start, 0xF1...0xF3): State.three
    case (State.start, 0xF4): State.afterF4
    case (State.one, 0x80...0xBF): State.start
    case (State.two, 0x80...0xBF): State.one
    case (State.three, 0x80...0xBF): State.two
    case (State.afterE0, 0xA0...0xBF): State.one
    case (State.afterED, 0x80...0x9F): State.one
    case (State.afterF0, 0x90...0xBF): State.two
    case (State.afterF4, 0x80...0x8F): State.two
    default: State.refused
    }
  }
}
