/// What a socket keeps for the policies on its traffic: its rate and its idle time. A socket without such policies has
/// none.
final class TrafficWatch {
  var limiter: RateLimiter?
  /// True after a message was thrown away: the log has been told.
  var isThrowingAway = false
  /// When the last message came or was sent, pings and pongs aside.
  var messageAt: UInt64

  /// Nil: no policy is set.
  init?(_ limits: RateLimiter.Limits, idles: Bool, nowMs: UInt64) {
    limiter = RateLimiter(limits, nowMs: nowMs)
    messageAt = nowMs
    guard limiter != nil || idles else { return nil }
  }
}
