import Testing

@testable import DOGEngine

@Suite struct StopSequenceTests {
  /// `#expect` itself cannot call what mutates.
  private func expect(
    _ action: StopSequence.Action, _ expected: StopSequence.Action, _ place: SourceLocation = #_sourceLocation
  ) {
    #expect(action == expected, sourceLocation: place)
  }

  @Test func `E3: an engine without connections drains, winds down and exits`() {
    var stop = StopSequence()
    expect(stop.begin(deadline: 100), .drainAll)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .nothing)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .windDownAll)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .nothing)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .exitAll)
    expect(stop.advance(acknowledging: 0, workers: 2, connections: 0), .nothing)
  }

  @Test func `E3: the last connection is waited for, and what is left is reset when the grace is over, once`() {
    var stop = StopSequence()
    _ = stop.begin(deadline: 100)
    expect(stop.advance(acknowledging: 1, workers: 1, connections: 2), .nothing)
    expect(stop.timePassed(now: 99), .nothing)
    expect(stop.timePassed(now: 100), .abortAll)
    expect(stop.timePassed(now: 101), .nothing)
    expect(stop.advance(acknowledging: 0, workers: 1, connections: 0), .windDownAll)
  }

  @Test func `E3: of two graces the shorter wins, and a stop begins once`() {
    var stop = StopSequence()
    expect(stop.begin(deadline: 500), .drainAll)
    expect(stop.begin(deadline: 50), .nothing)
    expect(stop.begin(deadline: 900), .nothing)
    #expect(stop.deadline == 50)
  }

  @Test func `a connection that ends before all have drained does not begin the winding down`() {
    var stop = StopSequence()
    _ = stop.begin(deadline: 100)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .nothing)
    expect(stop.advance(acknowledging: 0, workers: 2, connections: 0), .nothing)
  }

  @Test func `a passed deadline is nothing to a stop that is winding down`() {
    var stop = StopSequence()
    _ = stop.begin(deadline: 100)
    _ = stop.advance(acknowledging: 1, workers: 1, connections: 0)
    #expect(!stop.hasDeadline)
    expect(stop.timePassed(now: 1000), .nothing)
  }
}
