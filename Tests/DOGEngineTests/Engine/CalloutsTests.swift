import Testing

@testable import DOGEngine

@Suite struct CalloutsTests {
  @Test func `while the host runs, others wait and come in order`() {
    var callouts = Callouts()
    var called: [Int] = []
    callouts.enter()
    let mustWait = callouts.mustWait
    #expect(mustWait)
    for number in 1...3 { callouts.wait { called.append(number) } }
    #expect(called.isEmpty)
    let empties = callouts.leave()
    #expect(empties)
    while case .call(let call) = callouts.next() { call() }
    #expect(called == [1, 2, 3])
    let stillWaits = callouts.mustWait
    #expect(!stillWaits)
  }

  @Test func `only the outermost callback empties what waits`() {
    var callouts = Callouts()
    callouts.enter()
    callouts.wait {}
    callouts.wait {}
    let empties = callouts.leave()
    #expect(empties)
    _ = callouts.next()
    callouts.enter()
    let inner = callouts.leave()
    let mustWait = callouts.mustWait
    #expect(!inner && mustWait)
  }

  @Test func `an endless chain takes no endless memory, and none is left out`() {
    var callouts = Callouts()
    callouts.enter()
    callouts.wait {}
    _ = callouts.leave()
    var count = 0
    while count < 3 * Callouts.atOnceMax, callouts.next() != nil {
      count += 1
      callouts.wait {}
    }
    let mustWait = callouts.mustWait
    #expect(count == 3 * Callouts.atOnceMax && mustWait)
  }
}
