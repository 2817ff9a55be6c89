import Testing

@testable import DOGEngine

@Suite struct SendProgressTests {
  private static let limits = SendProgress.Limits(timeoutMs: 20, totalMs: 100)

  /// Looks, each with what has been delivered by then, what waits, and what is to come of it.
  private func play(_ looks: [(ms: UInt64, delivered: Int, end: Int, SendProgress.Verdict)], end: Int = 10) {
    var progress = SendProgress(nowMs: 0, delivered: 0, end: end)
    for (ms, delivered, end, wanted) in looks {
      #expect(progress.look(nowMs: ms, delivered: delivered, end: end, Self.limits) == wanted, "at \(ms)")
    }
  }

  @Test func `a peer that takes nothing stalls when the timeout is over, not before`() {
    play([(5, 0, 10, .wait(untilMs: 10)), (19, 0, 10, .wait(untilMs: 20)), (20, 0, 10, .stalled)])
  }

  @Test func `each byte begins the timeout anew`() {
    play([
      (15, 1, 10, .wait(untilMs: 20)), (30, 2, 10, .wait(untilMs: 35)), (49, 2, 10, .wait(untilMs: 50)),
      (50, 2, 10, .stalled),
    ])
  }

  @Test func `a peer that takes a byte at a time is overdue when the total is over`() {
    var looks: [(UInt64, Int, Int, SendProgress.Verdict)] = []
    for step in 1...9 { looks.append((UInt64(step) * 10, step, 1000, .wait(untilMs: UInt64(step) * 10 + 5))) }
    looks += [(99, 10, 1000, .wait(untilMs: 100)), (100, 11, 1000, .overdue)]
    play(looks, end: 1000)
  }

  @Test func `what is sent meanwhile belongs to the next lap, so a stream goes on for as long as it is taken`() {
    // 50 bytes each 50 ms, for ten totals: whatever waits at one time is gone in less than a total.
    var progress = SendProgress(nowMs: 0, delivered: 0, end: 50)
    for step in 1...200 {
      let now = UInt64(step) * 5
      let verdict = progress.look(nowMs: now, delivered: step * 5, end: step * 5 + 50, Self.limits)
      #expect(verdict == .wait(untilMs: now + 5), "at \(now)")
    }
  }

  @Test func `a peer that has everything is idle, since the look that saw the last of it arrive`() {
    play([
      (15, 10, 10, .idle(sinceMs: 15)), (1000, 10, 10, .idle(sinceMs: 15)), (1001, 10, 12, .stalled),
    ])
    // Where all had arrived when it began, since then.
    play([(15, 0, 0, .idle(sinceMs: 0))], end: 0)
  }

  @Test func `a count that seems to go back is no progress`() {
    play([(10, 5, 10, .wait(untilMs: 15)), (20, 3, 10, .wait(untilMs: 25)), (30, 5, 10, .stalled)])
  }

  @Test func `times at the end of the clock do not overflow`() {
    var progress = SendProgress(nowMs: .max - 1, delivered: 0, end: 1)
    #expect(progress.look(nowMs: .max - 1, delivered: 0, end: 1, Self.limits) == .wait(untilMs: .max))
  }

  /// Against a twin that keeps every look.
  @Test(arguments: TestRandom.seeds(300))
  func `any looks: a verdict is what the history of the bytes says`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    var progress = SendProgress(nowMs: 0, delivered: 0, end: 20)
    var (now, delivered, end) = (0 as UInt64, 0, 20)
    var (moved, best, lap, goal) = (0 as UInt64, 0, 0 as UInt64, 20)
    for _ in 0..<60 {
      now += UInt64.random(in: 0...9, using: &random)
      end += Int.random(in: 0...3, using: &random)
      delivered = min(end, delivered + Int.random(in: -1...6, using: &random))
      if delivered > best { (best, moved) = (delivered, now) }
      if delivered >= goal { (lap, goal) = (now, end) }
      switch progress.look(nowMs: now, delivered: delivered, end: end, Self.limits) {
      case .wait(let until):
        #expect(delivered < end && now < moved + 20 && now < lap + 100)
        #expect(until > now && until <= min(moved + 20, lap + 100))
      case .idle(let since): #expect(delivered >= end && since == moved)
      case .stalled:
        #expect(delivered < end && now >= moved + 20)
        return
      case .overdue:
        #expect(delivered < end && now >= lap + 100)
        return
      }
    }
  }
}

@Suite struct CloseWaitTests {
  private static let limits = SendProgress.Limits(timeoutMs: 20, totalMs: 100)

  private func wait(end: Int) -> CloseWait {
    CloseWait(SendProgress(nowMs: 0, delivered: 0, end: end), nowMs: 0, Self.limits)
  }

  @Test func `a peer that has everything is closed when it was silent for the timeout`() {
    var wait = wait(end: 0)
    #expect(wait.look(nowMs: 5, delivered: 0, end: 0, Self.limits) == .wait && wait.dueMs == 20)
    #expect(wait.look(nowMs: 20, delivered: 0, end: 0, Self.limits) == .close)
  }

  @Test func `a peer that takes what it was sent is waited for, and has the timeout anew when it has all`() {
    var wait = wait(end: 10)
    for step in 1...9 {
      #expect(wait.look(nowMs: UInt64(step) * 10, delivered: step, end: 10, Self.limits) == .wait)
    }
    #expect(wait.look(nowMs: 98, delivered: 10, end: 10, Self.limits) == .wait && wait.dueMs == 118)
    #expect(wait.look(nowMs: 118, delivered: 10, end: 10, Self.limits) == .close)
  }

  @Test func `a peer that takes nothing is reset, and one that takes a byte at a time when the total is over`() {
    var stalls = wait(end: 10)
    #expect(stalls.look(nowMs: 19, delivered: 0, end: 10, Self.limits) == .wait)
    #expect(stalls.look(nowMs: 20, delivered: 0, end: 10, Self.limits) == .reset)
    var trickles = wait(end: 1000)
    for step in 1...9 {
      #expect(trickles.look(nowMs: UInt64(step) * 10, delivered: step, end: 1000, Self.limits) == .wait)
    }
    #expect(trickles.look(nowMs: 100, delivered: 10, end: 1000, Self.limits) == .reset)
  }

  @Test func `a look that comes too early decides nothing`() {
    var wait = wait(end: 10)
    #expect(wait.look(nowMs: 4, delivered: 0, end: 10, Self.limits) == .wait && wait.dueMs == 5)
  }
}
