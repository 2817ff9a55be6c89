import Testing

@testable import DOGEngine

@Suite struct AdmissionTests {
  @Test func `it closes at once over the mark, and opens when all was calm for a while`() {
    var admission = Admission(closesAbove: 100, opensAt: 50, settleMs: 1000)
    #expect(admission.sample(100, now: 0) == nil && admission.isOpen)
    #expect(admission.sample(101, now: 10) == .closed && !admission.isOpen)
    #expect(admission.sample(500, now: 20) == nil)
    #expect(admission.sample(50, now: 30) == nil)
    #expect(admission.sample(0, now: 1029) == nil && !admission.isOpen)
    #expect(admission.sample(50, now: 1030) == .opened && admission.isOpen)
  }

  @Test func `one sample that is not calm begins the wait anew`() {
    var admission = Admission(closesAbove: 100, opensAt: 50, settleMs: 1000)
    #expect(admission.sample(101, now: 0) == .closed)
    #expect(admission.sample(10, now: 100) == nil)
    #expect(admission.sample(51, now: 900) == nil)
    #expect(admission.sample(10, now: 1200) == nil)
    #expect(admission.sample(10, now: 2199) == nil)
    #expect(admission.sample(10, now: 2200) == .opened)
  }

  @Test func `the smallest and the largest mark`() {
    for mark in [1, UInt64.max] {
      for var admission in [Admission.lag(mark), Admission.memory(mark)] {
        #expect(admission.sample(mark, now: 0) == nil && admission.isOpen)
        if mark < .max { #expect(admission.sample(.max, now: 1) == .closed) }
        #expect(admission.sample(0, now: .max - 5000) == nil)
        #expect((admission.sample(0, now: .max) == .opened) == (mark < .max))
        #expect(admission.isOpen)
      }
    }
  }

  @Test func `whatever comes, it neither flaps nor stays closed in a calm`() {
    var random = TestRandom(for: "AdmissionTests")
    var admission = Admission.lag(100)
    var now: UInt64 = 1000
    var closedAt: UInt64 = 0
    var lastUneasy: UInt64 = 0
    var changes = 0
    for _ in 0..<200_000 {
      now += UInt64(random.below(60))
      let storm = now / 20_000 % 2 == 0
      let load = UInt64(random.below(storm ? 130 : 40))
      let wasOpen = admission.isOpen
      let change = admission.sample(load, now: now)
      if load > 50 { lastUneasy = now }
      #expect(!(wasOpen && load > 100) || change == .closed)
      if change == .closed { closedAt = now }
      if change == .opened { #expect(now - closedAt >= 1000 && now - lastUneasy >= 1000) }
      if !admission.isOpen, load <= 50 { #expect(now - lastUneasy < 1000 + 2 * 60) }
      changes += change == nil ? 0 : 1
    }
    #expect(changes > 20)
  }

  @Test func `a loop that is late is found at its next look, or by what comes before it`() {
    var watch = LagWatch(markMs: 100, now: 1000)
    let due = watch.due
    #expect(watch.look(now: due, isDue: true) == nil)
    let next = watch.due
    #expect(next > due)
    // A little late, and not yet its turn: no news.
    #expect(watch.look(now: next + 40, isDue: false) == nil)
    #expect(watch.look(now: next + 101, isDue: false) == .closed)
    #expect(watch.due == next)
    #expect(watch.look(now: next + 101, isDue: true) == nil)
    var now = next + 101
    var opened = 0
    for _ in 0..<200 {
      now = watch.due
      if watch.look(now: now, isDue: true) == .opened { opened += 1 }
    }
    #expect(opened == 1 && watch.admission.isOpen)
  }
}
