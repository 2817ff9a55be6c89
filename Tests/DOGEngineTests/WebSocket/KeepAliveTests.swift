import Testing

@testable import DOGEngine

@Suite struct KeepAliveTests {
  private static let limits = KeepAlive.Limits(intervalMs: 30, timeoutMs: 20, totalMs: 100)

  private enum Event {
    case heard
    /// What `timePassed` is told, and what comes of it; a ping is queued behind `behind` more bytes.
    case look(delivered: Int, behind: Int = 0, KeepAlive.Action)
  }

  private func play(_ events: [(ms: UInt64, Event)], _ limits: KeepAlive.Limits = limits) {
    var keepAlive = KeepAlive(nowMs: 0)
    for (ms, event) in events {
      switch event {
      case .heard: keepAlive.heard(nowMs: ms)
      case .look(let delivered, let behind, let wanted):
        let action = keepAlive.timePassed(nowMs: ms, delivered: delivered, limits)
        #expect(action == wanted, "at \(ms)")
        if action == .ping { keepAlive.pinged(nowMs: ms, delivered: delivered, upTo: delivered + behind) }
      }
    }
  }

  @Test func `who was silent for the interval is pinged, once`() {
    play([
      (29, .look(delivered: 0, .none)), (30, .look(delivered: 0, .ping)), (31, .look(delivered: 0, .none)),
      (49, .look(delivered: 0, .none)), (50, .look(delivered: 0, .giveUp)),
    ])
  }

  @Test func `who is heard is pinged an interval later`() {
    play([
      (20, .heard), (30, .look(delivered: 0, .none)), (50, .look(delivered: 0, .ping)), (50, .heard),
      (79, .look(delivered: 0, .none)), (80, .look(delivered: 0, .ping)),
    ])
  }

  @Test func `as long as a ping is on its way and what is before it arrives, the timeout begins anew`() {
    play([
      (30, .look(delivered: 0, behind: 5, .ping)), (50, .look(delivered: 1, .none)),
      (69, .look(delivered: 1, .none)), (70, .look(delivered: 1, .giveUp)),
    ])
    play([
      (30, .look(delivered: 0, behind: 5, .ping)), (49, .look(delivered: 1, .none)),
      (68, .look(delivered: 4, .none)), (87, .look(delivered: 5, .none)), (107, .look(delivered: 5, .giveUp)),
    ])
  }

  @Test func `a peer that takes a byte at a time before its ping is given up when the total is over`() {
    play([
      (30, .look(delivered: 0, behind: 50, .ping)), (49, .look(delivered: 1, .none)),
      (68, .look(delivered: 2, .none)), (87, .look(delivered: 3, .none)), (106, .look(delivered: 4, .none)),
      (125, .look(delivered: 5, .none)), (129, .look(delivered: 6, .none)), (130, .look(delivered: 7, .giveUp)),
    ])
    // Heard in between, the total is that of the next ping.
    play([
      (30, .look(delivered: 0, behind: 50, .ping)), (49, .look(delivered: 1, .none)), (60, .heard),
      (90, .look(delivered: 2, behind: 50, .ping)), (109, .look(delivered: 3, .none)),
      (128, .look(delivered: 4, .none)), (147, .look(delivered: 5, .none)),
    ])
    var keepAlive = KeepAlive(nowMs: 0)
    keepAlive.pinged(nowMs: 30, delivered: 0, upTo: 50)
    #expect(keepAlive.timePassed(nowMs: 125, delivered: 1, Self.limits) == .none)
    #expect(keepAlive.nextMs(nowMs: 125, Self.limits) == 130)
  }

  @Test func `a ping that has arrived is to be answered in time, whatever is delivered after it`() {
    play([
      (30, .look(delivered: 7, behind: 5, .ping)), (40, .look(delivered: 12, .none)),
      (59, .look(delivered: 1000, .none)), (60, .look(delivered: 2000, .giveUp)),
    ])
    play([(30, .look(delivered: 7, .ping)), (40, .look(delivered: 8, .none)), (50, .look(delivered: 9, .giveUp))])
  }

  @Test func `what was delivered before the ping, or seems taken back, is no sign of life`() {
    play([
      (30, .look(delivered: 9, behind: 5, .ping)), (40, .look(delivered: 9, .none)), (49, .look(delivered: 3, .none)),
      (50, .look(delivered: 9, .giveUp)),
    ])
  }

  @Test func `an interval of 0 pings nobody`() {
    let never = KeepAlive.Limits(intervalMs: 0, timeoutMs: 20, totalMs: 100)
    play([(1_000_000, .look(delivered: 0, .none))], never)
    #expect(KeepAlive(nowMs: 0).nextMs(nowMs: 0, never) == nil)
  }

  /// Where an answer comes at once, the next ping is due an interval after it, which may be before the timeout.
  @Test func `it asks to be reminded of the ping, then of the next ping and of the timeout`() {
    var keepAlive = KeepAlive(nowMs: 0)
    #expect(keepAlive.nextMs(nowMs: 0, Self.limits) == 30)
    let limits = KeepAlive.Limits(intervalMs: 15, timeoutMs: 20, totalMs: 100)
    keepAlive.pinged(nowMs: 15, delivered: 0, upTo: 0)
    #expect(keepAlive.nextMs(nowMs: 15, limits) == 30)
    #expect(keepAlive.nextMs(nowMs: 30, limits) == 35)
    #expect(keepAlive.nextMs(nowMs: 30, Self.limits) == 35)
  }
}
