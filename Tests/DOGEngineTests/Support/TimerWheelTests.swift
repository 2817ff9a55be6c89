import Testing

@testable import DOGEngine

@Suite struct TimerWheelTests {
  /// Tokens that come out at a time.
  private func due(_ wheel: inout TimerWheel, at now: UInt64) -> [UInt64] {
    var due: [UInt64] = []
    wheel.advance(to: now, into: &due)
    wheel.checkInvariants()
    return due.sorted()
  }

  @Test(
    arguments: [
      (UInt64(1), UInt64(64)), (63, 64), (64, 64), (65, 128), (128, 128), (6_400, 6_400), (65_472, 65_472),
      (65_535, 65_536), (65_536, 65_536),
    ])
  func `a token comes out at the first tick at or after its deadline`(deadline: UInt64, tick: UInt64) {
    var wheel = TimerWheel(tickMs: 64, slots: 1024)
    wheel.insert(7, at: deadline, now: 0)
    #expect(wheel.nextDue(after: 0) == tick)
    #expect(due(&wheel, at: tick - 1) == [])
    #expect(due(&wheel, at: tick) == [7])
    #expect(wheel.isEmpty)
    #expect(due(&wheel, at: tick + 100_000) == [])
  }

  @Test(arguments: [UInt64(0), 1, 999, 1_000])
  func `a deadline that has passed comes out at the next tick`(deadline: UInt64) {
    var wheel = TimerWheel(tickMs: 10)
    wheel.insert(1, at: deadline, now: 1_005)
    #expect(wheel.nextDue(after: 1_005) == 1_010)
    #expect(due(&wheel, at: 1_009) == [])
    #expect(due(&wheel, at: 1_010) == [1])
  }

  @Test func `tokens of one deadline all come out, twice the same one twice`() {
    var wheel = TimerWheel(tickMs: 10)
    for token: UInt64 in [5, 6, 5, 7] { wheel.insert(token, at: 42, now: 0) }
    #expect(due(&wheel, at: 50) == [5, 5, 6, 7])
  }

  @Test func `what comes out is appended to what was there`() {
    var wheel = TimerWheel(tickMs: 10)
    wheel.insert(2, at: 5, now: 0)
    var due: [UInt64] = [1]
    wheel.advance(to: 10, into: &due)
    #expect(due == [1, 2])
  }

  @Test(arguments: [UInt64(64), 65, 128, 129, 1_000, 100_000])
  func `a deadline past the horizon comes out in time, and only then`(ticks: UInt64) {
    var wheel = TimerWheel(tickMs: 1, slots: 64)
    wheel.insert(9, at: ticks, now: 0)
    for now in stride(from: 0, to: ticks, by: 7) { #expect(due(&wheel, at: now) == []) }
    #expect(due(&wheel, at: ticks - 1) == [])
    #expect(due(&wheel, at: ticks) == [9])
  }

  @Test func `whoever wakes when the wheel says meets every deadline in time`() {
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    let deadlines: [UInt64] = [15, 640, 641, 649, 5_000, 99_999]
    for deadline in deadlines { wheel.insert(deadline, at: deadline, now: 0) }
    var met: [UInt64] = []
    var wakes = 0
    var now: UInt64 = 0
    while let next = wheel.nextDue(after: now) {
      #expect(next > now)
      now = next
      for deadline in due(&wheel, at: now) {
        #expect(deadline <= now && now < deadline + 10)
        met.append(deadline)
      }
      wakes += 1
    }
    #expect(met == deadlines)
    // Once a round for what is far away.
    #expect(wakes < 5_000 / 640 + 99_999 / 640 + 10)
  }

  @Test func `one long jump brings out all that was due and nothing else`() {
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    for token: UInt64 in 0..<3_000 { wheel.insert(token, at: token, now: 0) }
    let first = due(&wheel, at: 1_999)
    // Those of a tick that is not over are not early and need not be there.
    #expect(first.starts(with: 0...1_990))
    #expect(first.allSatisfy { $0 <= 1_999 })
    let second = due(&wheel, at: 1_000_000)
    #expect((first + second).sorted() == Array(0..<3_000))
    #expect(wheel.isEmpty)
  }

  @Test func `an empty wheel need not be turned before it is used again`() {
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    wheel.insert(1, at: 20, now: 0)
    #expect(due(&wheel, at: 20) == [1])
    #expect(wheel.nextDue(after: 1_000_000) == nil)
    wheel.insert(2, at: 1_000_015, now: 1_000_000)
    #expect(wheel.nextDue(after: 1_000_000) == 1_000_020)
    #expect(due(&wheel, at: 1_000_019) == [])
    #expect(due(&wheel, at: 1_000_020) == [2])
  }

  @Test func `while the clock stands still or goes backwards nothing comes out twice or early`() {
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    wheel.insert(1, at: 100, now: 50)
    wheel.insert(2, at: 200, now: 50)
    #expect(due(&wheel, at: 100) == [1])
    #expect(due(&wheel, at: 100) == [])
    #expect(due(&wheel, at: 0) == [])
    wheel.insert(3, at: 30, now: 20)
    #expect(due(&wheel, at: 100) == [])
    #expect(due(&wheel, at: 110) == [3])
    #expect(due(&wheel, at: 200) == [2])
  }

  @Test func `a removed token does not come out, and its place is used again`() {
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    let places = (1...5).map { wheel.insert(UInt64($0), at: 42, now: 0) }
    for token in [3, 5, 1] { wheel.remove(UInt64(token), at: places[token - 1]) }
    wheel.checkInvariants()
    wheel.remove(3, at: places[2])
    wheel.remove(9, at: 1_000)
    #expect(wheel.count == 2)
    let again = wheel.insert(6, at: 45, now: 0)
    #expect(again < 5)
    // The place is another's now.
    for token in [1, 3, 5] { wheel.remove(UInt64(token), at: places[token - 1]) }
    #expect(due(&wheel, at: 50) == [2, 4, 6])
    wheel.remove(2, at: places[1])
    wheel.checkInvariants()
    #expect(wheel.nextDue(after: 50) == nil)
  }

  @Test(arguments: TestRandom.seeds(10))
  func `random tokens, put in and removed, come out unless they were removed`(seed: UInt64) {
    var random = TestRandom(seed: seed)
    var wheel = TimerWheel(tickMs: 10, slots: 64)
    var waiting: [UInt64: (deadline: UInt64, place: Int)] = [:]
    var now: UInt64 = 1
    for token: UInt64 in 1...2_000 {
      let deadline = now + UInt64(random.below(2_000))
      waiting[token] = (deadline, wheel.insert(token, at: deadline, now: now))
      if random.below(2) == 0, let removed = waiting.min(by: { $0.key < $1.key }) {
        wheel.remove(removed.key, at: removed.value.place)
        waiting[removed.key] = nil
      }
      now += UInt64(random.below(30))
      for token in due(&wheel, at: now) {
        let given = waiting.removeValue(forKey: token)
        #expect(given.map { $0.deadline <= now } == true)
      }
      #expect(wheel.count == waiting.count)
    }
    #expect(due(&wheel, at: now + 10_000) == waiting.keys.sorted())
  }

  @Test func `a wheel that is late says to wake now`() {
    var wheel = TimerWheel(tickMs: 10)
    wheel.insert(1, at: 100, now: 0)
    #expect(wheel.nextDue(after: 5_003) == 5_003)
    #expect(due(&wheel, at: 5_003) == [1])
  }

  @Test func `the ends of time trap nowhere`() {
    for tickMs: UInt64 in [1, 3, 64] {
      var wheel = TimerWheel(tickMs: tickMs, slots: 64)
      wheel.insert(1, at: UInt64.max, now: 0)
      wheel.insert(2, at: 0, now: UInt64.max)
      #expect(due(&wheel, at: 1_000) == [2])
      _ = wheel.nextDue(after: 1_000)
      _ = due(&wheel, at: UInt64.max)
      wheel.insert(3, at: UInt64.max, now: UInt64.max)
      #expect(wheel.nextDue(after: UInt64.max) == UInt64.max)
      _ = due(&wheel, at: UInt64.max)
    }
  }

  @Test(arguments: [(UInt64(1), 64), (7, 64), (64, 1024)])
  func `random deadlines come out once each, not early and within a tick`(tickMs: UInt64, slots: Int) throws {
    var random = TestRandom(for: "TimerWheelTests, \(tickMs) ms")
    var wheel = TimerWheel(tickMs: tickMs, slots: slots)
    let horizon = Int(tickMs) * slots
    // By token, the deadline of each that waits, or the time of its insertion if that was later.
    var waiting: [UInt64: UInt64] = [:]
    var now: UInt64 = 1_000_000
    for token: UInt64 in 0..<10_000 {
      let isFar = random.once(in: 10)
      let deadline = now + UInt64(random.below(isFar ? horizon * 5 : horizon / 2)) - UInt64(random.below(20))
      wheel.insert(token, at: deadline, now: now)
      waiting[token] = max(deadline, now)
      guard random.once(in: 4) else { continue }
      now += UInt64(random.below(random.once(in: 50) ? horizon * 2 : Int(tickMs) * 3))
      var due: [UInt64] = []
      wheel.advance(to: now, into: &due)
      for token in due {
        let removed = waiting.removeValue(forKey: token)
        let deadline = try #require(removed, "twice; DOG_SEED=\(random.seed)")
        try #require(deadline <= now, "early; DOG_SEED=\(random.seed)")
      }
      try #require(wheel.count == waiting.count)
      let late = waiting.first { $0.value + tickMs <= now }
      try #require(late == nil, "late; DOG_SEED=\(random.seed)")
      let next = try waiting.isEmpty ? now : #require(wheel.nextDue(after: now))
      let earliest = waiting.values.min() ?? now
      try #require(next <= earliest + tickMs || next == now, "sleeps too long; DOG_SEED=\(random.seed)")
    }
    wheel.checkInvariants()
    #expect(due(&wheel, at: now + UInt64(horizon) * 10) == waiting.keys.sorted())
    #expect(wheel.isEmpty)
  }
}
