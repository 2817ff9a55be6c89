import Testing

@testable import DOGEngine

@Suite struct RateLimiterTests {
  private static func limiter(messages: Int = 0, bytes: Int = 0) throws -> RateLimiter {
    let limits = RateLimiter.Limits(messageRate: messages, byteRate: bytes)
    return try #require(RateLimiter(limits, nowMs: 0))
  }

  @Test func `without a rate there is no limiter`() {
    #expect(RateLimiter(RateLimiter.Limits(messageBurst: 5, byteBurst: 5), nowMs: 0) == nil)
  }

  @Test func `messages and pings count, pongs and parts do not`() throws {
    var limiter = try Self.limiter(messages: 3)
    let pieces: [RateLimiter.Piece] = [.message, .part, .ping, .part, .message, .part, .message, .ping, .part]
    let admitted = pieces.map { limiter.admits($0, bytes: 1, isWithinMessage: false, nowMs: 0) }
    #expect(admitted == [true, true, true, true, true, true, false, false, true])
  }

  @Test func `bytes count also where nothing is ever complete`() throws {
    var limiter = try Self.limiter(bytes: 10)
    let admitted = (0..<4).map { _ in limiter.admits(.part, bytes: 4, isWithinMessage: true, nowMs: 0) }
    #expect(admitted == [true, true, false, false])
  }

  @Test func `a message of which a part was too much is too much as a whole, and the next is not`() throws {
    var limiter = try Self.limiter(bytes: 10)
    let admitted = [
      limiter.admits(.part, bytes: 20, isWithinMessage: true, nowMs: 0),
      limiter.admits(.ping, bytes: 2, isWithinMessage: true, nowMs: 0),
      limiter.admits(.message, bytes: 1, isWithinMessage: false, nowMs: 0),
      limiter.admits(.message, bytes: 8, isWithinMessage: false, nowMs: 0),
    ]
    #expect(admitted == [false, true, false, true])
  }

  @Test func `what was refused for its bytes has taken no message, and the other way round`() throws {
    let limits = RateLimiter.Limits(messageRate: 1, byteRate: 10)
    var limiter = try #require(RateLimiter(limits, nowMs: 0))
    let admitted = [
      limiter.admits(.message, bytes: 11, isWithinMessage: false, nowMs: 0),
      limiter.admits(.message, bytes: 1, isWithinMessage: false, nowMs: 0),
      limiter.admits(.message, bytes: 9, isWithinMessage: false, nowMs: 0),
      limiter.admits(.part, bytes: 9, isWithinMessage: false, nowMs: 0),
    ]
    #expect(admitted == [false, true, false, true])
  }
}
