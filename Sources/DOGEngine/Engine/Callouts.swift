/// Decides when the host may be called: never inside a call that the host makes.
///
/// DESIGN. Host code runs only in callbacks. While one runs, the callbacks that its calls cause (a receive after an
/// identify, an onclose after a close) are put into `waiting`, and called in order when the outermost callback has
/// returned. So a host may hold a lock in a callback and call the engine: it is never entered a second time inside its
/// own call.
struct Callouts: ~Copyable {
  /// What waits for its turn.
  enum Callout {
    case call(() -> Void)
    /// The question of this ticket: by far the most frequent, and without a closure.
    case question(Handle)
  }

  /// How many waiting callouts one turn of the loop calls.
  static let atOnceMax = 4096
  /// How many bytes of messages may wait behind callouts.
  static let messageBytesMax = 1 << 20

  /// True while a callback of the host's runs on this worker, or work during which none may run.
  private(set) var isInHost = false
  private var isEmptying = false
  private var waiting = TurnQueue<Callout>()

  /// What the callback that runs was lent, until it returns.
  var lender = Lender()

  /// True if a callout must wait: the host is on the stack, or others wait already.
  var mustWait: Bool { isInHost || !waiting.isEmpty }

  mutating func wait(_ callout: @escaping () -> Void) { waiting.append(.call(callout)) }
  mutating func wait(toAsk ticket: Handle) { waiting.append(.question(ticket)) }

  mutating func enter() {
    assert(!isInHost, "the host was called from inside its own call")
    isInHost = true
  }

  /// True: the caller has to empty what waits.
  mutating func leave() -> Bool {
    isInHost = false
    lender.letGo()
    guard !isEmptying, !waiting.isEmpty else { return false }
    isEmptying = true
    return true
  }

  mutating func next() -> Callout? {
    let next = waiting.popFirst()
    if next == nil { isEmptying = false }
    return next
  }
}

extension Worker {
  /// Calls the host now, or after the callback that runs and the callouts that wait.
  @inline(__always)
  func callOut(_ call: @escaping () -> Void) {
    if callouts.mustWait { callouts.wait { self.callHost(call) } } else { callHost(call) }
  }

  /// Does a piece of the engine's own work and puts off the callouts that it causes until it is over: for work on
  /// something that another call of the host's would change.
  func holdingCallouts<Result>(_ work: () -> Result) -> Result {
    guard !callouts.mustWait else { return work() }
    callouts.enter()
    let result = work()
    if callouts.leave() { emptyCallouts() }
    return result
  }

  /// Calls the host now: for events from the loop, where no callback can be running. Only if no callout waits: those
  /// that one turn has left for the next come first (see `callouts.mustWait`).
  @inline(__always)
  func callHost(_ call: () -> Void) {
    callouts.enter()
    call()
    if callouts.leave() { emptyCallouts() }
  }

  /// Does a piece of the engine's own work in its turn among the callouts that wait.
  func afterCallouts(_ work: @escaping () -> Void) {
    if callouts.mustWait { callouts.wait(work) } else { work() }
  }

  /// For the end, when only these callouts can cause more.
  func emptyAllCallouts() {
    while callouts.mustWait { emptyCallouts() }
  }

  /// A message of so many bytes waits behind callouts. If too many bytes wait, the loop holds until there are fewer:
  /// what comes stays with the kernel. (For a host that takes events its queue does this.)
  func messageWaits(_ bytes: Int) {
    messageBytesWaiting += bytes
    guard messageBytesWaiting > Callouts.messageBytesMax, events == nil, !isDraining, !isHoldingForCallouts else {
      return
    }
    isHoldingForCallouts = true
    loop.hold()
  }

  func messageCame(_ bytes: Int) {
    messageBytesWaiting -= bytes
    guard isHoldingForCallouts, messageBytesWaiting <= Callouts.messageBytesMax / 2 else { return }
    isHoldingForCallouts = false
    // By then it may have to hold again.
    post { if !$0.isHoldingForCallouts { $0.loop.goOn() } }
  }

  private func emptyCallouts() {
    for _ in 0..<Callouts.atOnceMax {
      switch callouts.next() {
      case .call(let call): call()
      case .question(let ticket): ask(ticket)
      case nil: return
      }
    }
    // A host whose callbacks always cause more must not keep this worker from everybody else.
    post { $0.emptyCallouts() }
  }
}
