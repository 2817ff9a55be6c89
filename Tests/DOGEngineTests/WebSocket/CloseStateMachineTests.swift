import Testing

@testable import DOGEngine

@Suite struct CloseStateMachineTests {
  typealias Action = CloseStateMachine.Action

  enum Event: Sendable {
    case hostCloses(CloseCode?, String = "")
    case peerCloses(CloseCode?, String = "")
    case fails(CloseCode)
    case flushed
    case lost
    /// The peer's FIN, with this much flushed.
    case peerEnds(isFlushed: Bool)
    /// It is looked at, and has taken this many of the 10 bytes that waited at the beginning.
    case time(UInt64, taken: Int = 0)
    case gaveUp
  }

  private static let limits = SendProgress.Limits(timeoutMs: 5000, totalMs: 20_000)

  /// Given with the events: begun at 0, with 10 bytes on their way.
  private static func wait() -> CloseWait {
    CloseWait(SendProgress(nowMs: 0, delivered: 0, end: 10), nowMs: 0, limits)
  }

  private static func apply(_ event: Event, to machine: inout CloseStateMachine) -> Action {
    defer { machine.checkInvariants() }
    switch event {
    case .hostCloses(let code, let reason):
      return machine.hostCloses(code: code, reason: [UInt8](reason.utf8), wait: wait())
    case .peerCloses(let code, let reason):
      return machine.peerCloses(code: code, reason: [UInt8](reason.utf8), wait: wait())
    case .fails(let code): return machine.fails(code: code, wait: wait())
    case .flushed: return machine.flushed()
    case .lost: return machine.connectionLost()
    case .peerEnds(let isFlushed): return machine.peerEnds(isFlushed: isFlushed, wait: wait())
    case .time(let nowMs, let taken): return machine.timePassed(nowMs: nowMs, delivered: taken, end: 10, limits)
    case .gaveUp: return machine.gaveUp()
    }
  }

  /// What comes of the events, without what is nothing.
  private static func run(_ events: Event...) -> [Action] {
    var machine = CloseStateMachine()
    return events.map { apply($0, to: &machine) }.filter { $0 != .none }
  }

  private static func send(_ code: CloseCode?, _ reason: String = "") -> Action {
    .sendClose(code: code, reason: [UInt8](reason.utf8))
  }

  private static func report(_ code: CloseCode, _ reason: String = "", clean: Bool) -> Action {
    .report(CloseStateMachine.Report(code: code, reason: [UInt8](reason.utf8), isClean: clean))
  }

  private static func linger(_ code: CloseCode, _ reason: String = "", clean: Bool) -> Action {
    .linger(
      CloseStateMachine.Report(code: code, reason: [UInt8](reason.utf8), isClean: clean), wait: wait())
  }

  private static func reset(_ code: CloseCode, clean: Bool) -> Action {
    .reset(CloseStateMachine.Report(code: code, reason: [], isClean: clean))
  }

  private static let own = CloseCode(rawValue: 4000)

  // MARK: The host begins

  @Test func `the host closes, the peer answers, both end`() {
    let actions = Self.run(.hostCloses(Self.own, "bye"), .flushed, .peerCloses(Self.own, "bye too"), .lost)
    #expect(actions == [Self.send(Self.own, "bye"), Self.linger(Self.own, "bye too", clean: true)])
  }

  @Test func `the host closes without a code`() {
    let actions = Self.run(.hostCloses(nil), .flushed, .peerCloses(nil), .lost)
    #expect(actions == [Self.send(nil), Self.linger(.noStatus, clean: true)])
  }

  @Test func `the host closes twice: once counts`() {
    #expect(Self.run(.hostCloses(.normal), .hostCloses(.goingAway)) == [Self.send(.normal)])
  }

  @Test func `the peer's frame overtakes the flush of ours`() {
    let actions = Self.run(.hostCloses(.normal), .peerCloses(.goingAway), .flushed, .lost)
    #expect(actions == [Self.send(.normal), Self.linger(.goingAway, clean: true)])
  }

  @Test func `the peer never answers: reset at the deadline, not before`() {
    let waiting = Self.run(.hostCloses(.normal), .flushed, .time(4999))
    #expect(waiting == [Self.send(.normal)])
    let late = Self.run(.hostCloses(.normal), .flushed, .time(5000), .lost)
    #expect(late == [Self.send(.normal), Self.reset(.abnormal, clean: false)])
  }

  @Test func `a peer that takes what it was sent is waited for, however long that is beyond the timeout`() {
    let slow: [Event] = [
      .time(4000, taken: 1), .time(8000, taken: 2), .time(12_000, taken: 3), .time(16_000, taken: 9),
    ]
    for end: [Event] in [
      [.peerCloses(.normal), .flushed], [.time(16_001, taken: 10), .peerCloses(.normal), .flushed],
    ] {
      var machine = CloseStateMachine()
      let actions = ([.hostCloses(.normal)] + slow + end).map { Self.apply($0, to: &machine) }
      guard case .linger(let report, _) = actions.last else {
        Issue.record("\(actions)")
        return
      }
      #expect(report == CloseStateMachine.Report(code: .normal, reason: [], isClean: true))
    }
    // One that stops, and one that takes a byte at a time for longer than the total, are reset.
    for end: [Event] in [[.time(21_000, taken: 9)], [.time(20_000, taken: 9)], [.time(20_001, taken: 9)]] {
      var machine = CloseStateMachine()
      let actions = ([.hostCloses(.normal)] + slow + end).map { Self.apply($0, to: &machine) }
      #expect(actions.last == Self.reset(.abnormal, clean: false))
    }
  }

  @Test func `a peer that has everything and does not answer is closed, which throws nothing away`() {
    let actions = Self.run(.hostCloses(.normal), .flushed, .time(3000, taken: 10), .time(7999, taken: 10))
    #expect(actions == [Self.send(.normal)])
    let late = Self.run(.hostCloses(.normal), .flushed, .time(3000, taken: 10), .time(8000, taken: 10))
    #expect(late == [Self.send(.normal), Self.report(.abnormal, clean: false)])
  }

  @Test func `the peer leaves instead of answering`() {
    #expect(
      Self.run(.hostCloses(.normal), .flushed, .lost) == [Self.send(.normal), Self.report(.abnormal, clean: false)])
  }

  @Test func `the peer breaks the protocol instead of answering: no second close frame`() {
    let actions = Self.run(.hostCloses(.normal), .flushed, .fails(.protocolError), .lost)
    #expect(actions == [Self.send(.normal), Self.linger(.protocolError, clean: false)])
    let unflushed = Self.run(.hostCloses(.normal), .fails(.protocolError), .flushed, .lost)
    #expect(unflushed == actions)
  }

  // MARK: The peer begins

  @Test func `the peer closes: its code and reason go back, and both end`() {
    let actions = Self.run(.peerCloses(.goingAway, "tab closed"), .flushed, .lost)
    #expect(
      actions == [
        Self.send(.goingAway, "tab closed"), Self.linger(.goingAway, "tab closed", clean: true),
      ])
  }

  @Test func `the peer closes without a code`() {
    let actions = Self.run(.peerCloses(nil), .flushed, .lost)
    #expect(actions == [Self.send(nil), Self.linger(.noStatus, clean: true)])
  }

  @Test func `the peer closes and is gone before our frame is out`() {
    #expect(Self.run(.peerCloses(.normal), .lost).last == Self.report(.normal, clean: false))
  }

  @Test func `the peer closes and does not take our frame`() {
    #expect(Self.run(.peerCloses(.normal), .time(5000)).last == Self.reset(.normal, clean: false))
  }

  @Test(arguments: [Event.lost, .gaveUp, .time(5000), .peerEnds(isFlushed: true)])
  func `the peer closes and keeps the connection, or resets it: the host knows already`(_ later: Event) {
    let actions = Self.run(.peerCloses(.normal), .flushed, later)
    #expect(actions == [Self.send(.normal), Self.linger(.normal, clean: true)])
  }

  @Test func `the host closes after the peer did: nothing more is sent`() {
    #expect(Self.run(.peerCloses(.normal), .hostCloses(.goingAway)) == [Self.send(.normal)])
  }

  // MARK: Failure

  @Test func `a broken rule is told to the peer, and reported as ours`() {
    let actions = Self.run(.fails(.invalidPayload), .flushed, .peerCloses(.normal), .lost)
    #expect(actions == [Self.send(.invalidPayload), Self.linger(.invalidPayload, clean: false)])
  }

  @Test func `a failed peer that does not leave is reset`() {
    #expect(Self.run(.fails(.tryAgainLater), .time(5000)).last == Self.reset(.tryAgainLater, clean: false))
  }

  // MARK: Half-closed

  @Test func `a peer that sends its FIN alone is gone, once it has what was sent to it`() {
    #expect(Self.run(.peerEnds(isFlushed: true)) == [Self.report(.abnormal, clean: false)])
    #expect(Self.run(.peerEnds(isFlushed: false), .flushed) == [Self.report(.abnormal, clean: false)])
    #expect(Self.run(.peerEnds(isFlushed: false), .hostCloses(.normal), .fails(.normal), .peerCloses(nil)) == [])
    #expect(Self.run(.peerEnds(isFlushed: false), .time(5000)) == [Self.reset(.abnormal, clean: false)])
    let closed = Self.run(.hostCloses(.normal), .peerEnds(isFlushed: false), .flushed)
    #expect(closed == [Self.send(.normal), Self.report(.abnormal, clean: false)])
    let flushed = Self.run(.hostCloses(.normal), .flushed, .peerEnds(isFlushed: true))
    #expect(flushed == closed)
  }

  @Test func `a FIN behind the peer's close frame leaves nobody to linger for`() {
    let closed = Self.run(.peerCloses(.normal), .peerEnds(isFlushed: false), .flushed)
    #expect(closed == [Self.send(.normal), Self.report(.normal, clean: true)])
    let failed = Self.run(.fails(.protocolError), .peerEnds(isFlushed: false), .flushed)
    #expect(failed == [Self.send(.protocolError), Self.report(.protocolError, clean: false)])
  }

  @Test func `an open connection that ends is abnormal`() {
    #expect(Self.run(.lost) == [Self.report(.abnormal, clean: false)])
    #expect(Self.run(.gaveUp) == [Self.reset(.abnormal, clean: false)])
  }

  @Test func `an open connection has no deadline`() {
    #expect(CloseStateMachine().deadlineMs == nil)
    #expect(Self.run(.time(.max), .flushed) == [])
  }

  @Test func `the first close frame begins the wait`() {
    var machine = CloseStateMachine()
    _ = machine.hostCloses(code: .normal, wait: Self.wait())
    let due = machine.deadlineMs
    let later = CloseWait(SendProgress(nowMs: 900, delivered: 0, end: 10), nowMs: 900, Self.limits)
    _ = machine.peerCloses(code: .normal, wait: later)
    #expect(machine.deadlineMs == due)
    #expect(!machine.isOpen && !machine.readsFrames)
  }

  @Test func `frames are read until the peer's close frame may not come any more`() {
    var machine = CloseStateMachine()
    #expect(machine.isOpen && machine.readsFrames)
    _ = machine.hostCloses(code: .normal, wait: Self.wait())
    #expect(!machine.isOpen && machine.readsFrames)
    _ = machine.fails(code: .protocolError, wait: Self.wait())
    #expect(!machine.readsFrames && !machine.isClosed)
    _ = machine.connectionLost()
    #expect(!machine.readsFrames && machine.isClosed)
  }

  @Test func `an open connection costs a word`() { #expect(MemoryLayout<CloseStateMachine>.size == 8) }

  // MARK: Any order

  @Test(arguments: TestRandom.seeds(2000))
  func `any events: one report, the last action, and one close frame at most`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    var machine = CloseStateMachine()
    var actions: [Action] = []
    let events: [Event] = [
      .hostCloses(.normal), .hostCloses(nil), .peerCloses(.goingAway, "x"), .peerCloses(nil), .fails(.protocolError),
      .flushed, .flushed, .peerEnds(isFlushed: false), .peerEnds(isFlushed: true), .lost, .gaveUp, .time(4999),
      .time(5000), .time(3000, taken: 5), .time(9000, taken: 10),
    ]
    // Ends come seldom in half of the runs, so that the rest of the states is seen for long.
    let isLong = Bool.random(using: &random)
    for _ in 0..<20 {
      let event = events[Int.random(in: 0..<(isLong ? 8 : events.count), using: &random)]
      actions.append(Self.apply(event, to: &machine))
    }
    actions.append(Self.apply(.gaveUp, to: &machine))
    actions.removeAll { $0 == .none }

    let isReport = { (action: Action) in
      switch action {
      case .report, .reset, .linger: true
      case .none, .sendClose: false
      }
    }
    let isSend = { (action: Action) in if case .sendClose = action { true } else { false } }
    #expect(actions.filter(isReport).count == 1 && actions.last.map(isReport) == true, "seed \(seed): \(actions)")
    #expect(actions.filter(isSend).count <= 1, "seed \(seed): \(actions)")
    // Who lingers has had our close frame.
    if case .linger = actions.last { #expect(actions.contains(where: isSend), "seed \(seed): \(actions)") }
    #expect(machine.isClosed, "seed \(seed)")
  }
}
