/// How much may be taken in a second on average, and at once: a token bucket. A value; the time, in milliseconds of a
/// clock that only goes forward, comes in.
///
/// Counts in thousandths of a token, of which each millisecond brings `rate`: nothing is rounded, however often it is
/// asked.
struct TokenBucket {
  static let rateMax = 1 << 30
  private static let unit = 1000
  /// A day brings less than 2^57 thousandths; nothing waits for longer.
  private static let beyondMsMax: UInt64 = 86_400_000
  private static let levelMax = 1 << 60

  private let rate: Int
  /// What it holds when it is full.
  private let capacity: Int
  private var level: Int
  private var filledAt: UInt64

  /// Full. `rate` is tokens a second; a `burst` of 0 is as much as the rate. What is out of range is brought into it.
  init(rate: Int, burst: Int, nowMs: UInt64) {
    self.rate = min(max(rate, 1), TokenBucket.rateMax)
    capacity = (burst > 0 ? min(burst, TokenBucket.rateMax) : self.rate) * TokenBucket.unit
    level = capacity
    filledAt = nowMs
  }

  /// Whether there are `count` tokens now; takes none.
  mutating func has(_ count: Int, nowMs: UInt64) -> Bool {
    fill(nowMs)
    // After `fillBeyond` it may hold more than its capacity, but gives no more than the capacity at once.
    return count <= min(level, capacity) / TokenBucket.unit
  }

  /// Takes `count` tokens, if there are that many.
  mutating func take(_ count: Int, nowMs: UInt64) -> Bool {
    guard has(count, nowMs: nowMs) else { return false }
    level -= max(count, 0) * TokenBucket.unit
    return true
  }

  /// Adds what the time since `start` brings, even past the capacity: for a time in which nothing could be taken.
  mutating func fillBeyond(since start: UInt64, nowMs: UInt64) {
    fill(start)
    guard nowMs > filledAt else { return }
    let passed = Int(clamping: min(nowMs - filledAt, TokenBucket.beyondMsMax))
    filledAt = nowMs
    level = min(level + passed * rate, TokenBucket.levelMax)
  }

  private mutating func fill(_ nowMs: UInt64) {
    guard nowMs > filledAt else { return }
    guard level < capacity else { return filledAt = nowMs }
    let passed = nowMs - filledAt
    filledAt = nowMs
    // `missing` is less than 2^40, and so is the product if the time was too short to fill it.
    let missing = capacity - level
    level = passed > UInt64(missing / rate) ? capacity : min(level + Int(passed) * rate, capacity)
  }
}
