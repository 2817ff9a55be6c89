import Testing

@testable import DOGEngine

@Suite struct TokenBucketTests {
  /// The same by fractions that are exact: thousandths of a token in wide integers, one millisecond at a time.
  private struct Naive {
    let rate: Int
    let burst: Int
    var thousandths: Int
    var now: UInt64

    init(rate: Int, burst: Int, now: UInt64) {
      self.rate = rate
      self.burst = burst == 0 ? rate : burst
      thousandths = self.burst * 1000
      self.now = now
    }

    mutating func take(_ count: Int, now later: UInt64) -> Bool {
      while now < later {
        now += 1
        thousandths = min(thousandths + rate, burst * 1000)
      }
      guard thousandths >= count * 1000 else { return false }
      thousandths -= count * 1000
      return true
    }
  }

  @Test func `it gives its burst at once, then its rate`() {
    var bucket = TokenBucket(rate: 10, burst: 3, nowMs: 0)
    let atOnce = (0..<5).map { _ in bucket.take(1, nowMs: 0) }
    #expect(atOnce == [true, true, true, false, false])
    let late = [99, 100, 100, 199, 200, 200].map { bucket.take(1, nowMs: $0) }
    #expect(late == [false, true, false, false, true, false])
    let full = (0..<4).map { _ in bucket.take(1, nowMs: 1_000_000) }
    #expect(full == [true, true, true, false])
  }

  @Test func `a burst of 0 is as much as the rate`() {
    var bucket = TokenBucket(rate: 5, burst: 0, nowMs: 7)
    let taken = [bucket.take(5, nowMs: 7), bucket.take(1, nowMs: 7)]
    #expect(taken == [true, false])
  }

  @Test func `what is refused is not taken, and what is more than the burst is always refused`() {
    var bucket = TokenBucket(rate: 1, burst: 4, nowMs: 0)
    let taken = [5, 4].map { bucket.take($0, nowMs: .max / 2) }
    #expect(taken == [false, true])
  }

  @Test func `time in which nothing could be taken fills it beyond its burst`() {
    var bucket = TokenBucket(rate: 10, burst: 3, nowMs: 0)
    bucket.fillBeyond(since: 1000, nowMs: 1500)
    let taken = (0..<9).map { _ in bucket.take(1, nowMs: 1500) }
    #expect(taken == [true, true, true, true, true, true, true, true, false], "3 and those of half a second")
    let late = [1599, 1600, 1600].map { bucket.take(1, nowMs: $0) }
    #expect(late == [false, true, false], "and its rate as ever")
  }

  @Test func `what is beyond its burst stays, is not added to, and is not given at once`() {
    var bucket = TokenBucket(rate: 10, burst: 3, nowMs: 0)
    bucket.fillBeyond(since: 0, nowMs: 1000)
    let taken = [4, 3, 3, 3, 3, 3].map { bucket.take($0, nowMs: 1_000_000) }
    #expect(taken == [false, true, true, true, true, false])
    bucket.fillBeyond(since: 5000, nowMs: 4000)
    bucket.fillBeyond(since: 0, nowMs: 1_000_000)
    let later = bucket.take(3, nowMs: 1_000_000)
    #expect(!later, "that time was counted")
  }

  @Test func `time that stands still or goes back brings nothing`() {
    var bucket = TokenBucket(rate: 1000, burst: 1, nowMs: 50)
    let taken = ([50, 10, 50, 51] as [UInt64]).map { bucket.take(1, nowMs: $0) }
    #expect(taken == [true, false, false, true])
  }

  @Test func `no time and no rate overflow it`() {
    var bucket = TokenBucket(rate: .max, burst: .max, nowMs: 0)
    for since in [0, 1, .max / 2, .max - 1] as [UInt64] {
      for now in [0, 1, .max / 2, .max] as [UInt64] { bucket.fillBeyond(since: since, nowMs: now) }
    }
    let taken = (0..<100).map { _ in bucket.take(TokenBucket.rateMax, nowMs: .max) }
    #expect(taken == [Bool](repeating: true, count: 100))
  }

  @Test func `the ends of every range overflow nothing`() {
    let values = [Int.min, -1, 0, 1, 999, TokenBucket.rateMax - 1, TokenBucket.rateMax, Int.max]
    for rate in values {
      for burst in values {
        for count in values {
          var bucket = TokenBucket(rate: rate, burst: burst, nowMs: 0)
          for now in [0, 1, 999, .max - 1, .max] as [UInt64] { _ = bucket.take(count, nowMs: now) }
        }
      }
    }
  }

  @Test func `any run is as a naive reference has it`() {
    var random = TestRandom(for: "TokenBucketTests")
    for _ in 0..<300 {
      let rate = 1 + random.below(random.once(in: 2) ? 20 : 100_000)
      let burst = random.once(in: 4) ? 0 : 1 + random.below(rate * 3)
      var now = UInt64(random.below(10_000))
      var bucket = TokenBucket(rate: rate, burst: burst, nowMs: now)
      var naive = Naive(rate: rate, burst: burst, now: now)
      for step in 0..<200 {
        if random.once(in: 2) { now += UInt64(random.below(random.once(in: 10) ? 5000 : 50)) }
        let count = random.below(naive.burst + 2)
        let expected = naive.take(count, now: now)
        let taken = bucket.take(count, nowMs: now)
        #expect(taken == expected, "seed \(random.seed), rate \(rate), step \(step)")
      }
    }
  }
}
