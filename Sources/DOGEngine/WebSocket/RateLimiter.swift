/// What one client may send (message_rate_max, byte_rate_max): a bucket for messages, one for bytes, or one of them. A
/// value. A message over the rate takes nothing from the buckets.
struct RateLimiter {
  enum Piece {
    /// A whole message, or the last part of one.
    case message
    /// A ping counts as a message.
    case ping
    /// Bytes that complete nothing yet, and pongs.
    case part
  }

  private var messages: TokenBucket?
  private var bytes: TokenBucket?
  /// A part of the incomplete message went over the rate: so the whole message is over.
  private var isMessageOver = false

  /// Nil: no limit is set.
  init?(_ limits: Limits, nowMs: UInt64) {
    guard limits.messageRate > 0 || limits.byteRate > 0 else { return nil }
    if limits.messageRate > 0 {
      messages = TokenBucket(rate: limits.messageRate, burst: limits.messageBurst, nowMs: nowMs)
    }
    if limits.byteRate > 0 { bytes = TokenBucket(rate: limits.byteRate, burst: limits.byteBurst, nowMs: nowMs) }
  }

  struct Limits {
    var messageRate = 0
    var messageBurst = 0
    var byteRate = 0
    var byteBurst = 0
  }

  /// Whether this is within the rate. `count` is the bytes of it that were not counted before. `isWithinMessage`: an
  /// incomplete message goes on after it, to which some of these bytes may belong.
  mutating func admits(_ piece: Piece, bytes count: Int, isWithinMessage: Bool, nowMs: UInt64) -> Bool {
    let isEnough = piece == .message && isMessageOver ? false : takes(piece, count, nowMs)
    isMessageOver = isWithinMessage && (isMessageOver || !isEnough)
    return isEnough
  }

  /// What comes next was sent over the time since `start`, in which nobody read.
  mutating func cameAtOnce(since start: UInt64, nowMs: UInt64) {
    messages?.fillBeyond(since: start, nowMs: nowMs)
    bytes?.fillBeyond(since: start, nowMs: nowMs)
  }

  private mutating func takes(_ piece: Piece, _ count: Int, _ nowMs: UInt64) -> Bool {
    let number = piece == .part ? 0 : 1
    guard messages?.has(number, nowMs: nowMs) != false, bytes?.take(count, nowMs: nowMs) != false else { return false }
    return messages?.take(number, nowMs: nowMs) != false
  }
}
