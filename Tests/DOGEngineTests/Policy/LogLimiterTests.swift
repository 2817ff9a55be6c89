import Testing

@testable import DOGEngine

@Suite struct LogLimiterTests {
  private static func topic(_ line: UInt, reason: Int = 0) -> LogLimiter.Topic {
    LogLimiter.Topic(place: 1, line: line, reason: reason)
  }

  @Test func `E2: ten lines a second pass, and the next says how many did not`() {
    var limiter = LogLimiter()
    var admitted: [Int?] = []
    for _ in 0..<25 { admitted.append(limiter.admit(Self.topic(1), now: 5000)) }
    #expect(admitted == Array(repeating: 0, count: 10) + Array(repeating: nil, count: 15))
    let next = limiter.admit(Self.topic(1), now: 6000)
    let afterwards = limiter.admit(Self.topic(1), now: 6001)
    #expect(next == 15 && afterwards == 0)
  }

  @Test func `a flood of one kind keeps no other out of the log`() {
    var limiter = LogLimiter()
    var others: [UInt64: [Int?]] = [:]
    for now in UInt64(0)..<30_000 {
      for _ in 0..<5 { _ = limiter.admit(Self.topic(1), now: now) }
      if now % 1000 == 900 { others[now / 10_000, default: []].append(limiter.admit(Self.topic(2), now: now)) }
    }
    for period in UInt64(0)..<3 {
      #expect(others[period]?.compactMap { $0 }.count == 1, "in ten seconds number \(period)")
    }
    // All but those that passed are accounted for.
    #expect(others[1]?.compactMap { $0 } == [9])
  }

  @Test func `E2: topics without end share one`() {
    var limiter = LogLimiter()
    let passed = (0..<10_000).filter { limiter.admit(Self.topic(1, reason: $0), now: 500) != nil }.count
    #expect(passed <= 257)
  }
}
