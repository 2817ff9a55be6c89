import Testing

@testable import DOGEngine

@Suite struct LogLimiterTests {
  @Test func `E2: ten lines a second pass, and the next says how many did not`() {
    var limiter = LogLimiter()
    var admitted: [Int?] = []
    for _ in 0..<25 { admitted.append(limiter.admit(now: 5000)) }
    #expect(admitted == Array(repeating: 0, count: 10) + Array(repeating: nil, count: 15))
    let next = limiter.admit(now: 6000)
    let afterwards = limiter.admit(now: 6001)
    #expect(next == 15 && afterwards == 0)
  }
}
