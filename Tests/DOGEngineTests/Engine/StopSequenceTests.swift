import Testing

@testable import DOGEngine

@Suite struct StopSequenceTests {
  /// `#expect` itself cannot call what mutates.
  private func expect(
    _ action: StopSequence.Action, _ expected: StopSequence.Action, _ place: SourceLocation = #_sourceLocation
  ) {
    #expect(action == expected, sourceLocation: place)
  }

  @Test func `E3: an engine without connections drains, winds down, settles and exits`() {
    var stop = StopSequence()
    expect(stop.begin(deadline: 100), .drainAll)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .nothing)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .windDownAll)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .nothing)
    expect(stop.advance(acknowledging: 1, workers: 2, connections: 0), .settleAll)
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

  /// What may happen while an engine of so many workers stops with open connections.
  private enum Event: CaseIterable {
    case acknowledge
    case connectionEnds
    case deadline
    case stopAgain
  }

  @Test func `E3: the phases follow one another in whatever order workers, connections and the deadline come`() {
    var random = TestRandom(for: "StopSequence")
    for _ in 0..<3_000 {
      let workers = 1 + random.below(3)
      var connections = random.below(4)
      var sequence = StopSequence()
      expect(sequence.begin(deadline: 1_000), .drainAll)
      var drained = 0
      var wound = 0
      var settled = 0
      var actions: [StopSequence.Action] = [.drainAll]
      for _ in 0..<200 {
        var action = StopSequence.Action.nothing
        switch Event.allCases[random.below(4)] {
        case .acknowledge:
          if drained < workers {
            drained += 1
          } else if actions.contains(.windDownAll), wound < workers {
            wound += 1
          } else if actions.contains(.settleAll), settled < workers {
            settled += 1
          } else {
            continue
          }
          action = sequence.advance(acknowledging: 1, workers: workers, connections: connections)
        case .connectionEnds:
          guard connections > 0 else { continue }
          connections -= 1
          if connections == 0 { action = sequence.advance(acknowledging: 0, workers: workers, connections: 0) }
        case .deadline: action = sequence.timePassed(now: 1_000)
        case .stopAgain: expect(sequence.begin(deadline: 2_000), .nothing)
        }
        if action != .nothing { actions.append(action) }
        switch action {
        case .windDownAll: #expect(drained == workers && connections == 0)
        case .settleAll: #expect(wound == workers)
        case .exitAll: #expect(settled == workers)
        case .abortAll: #expect(!actions.contains(.windDownAll))
        case .nothing, .drainAll: break
        }
      }
      #expect(actions.filter { $0 != .abortAll } == [.drainAll, .windDownAll, .settleAll, .exitAll])
      #expect(actions.count { $0 == .abortAll } <= 1)
    }
  }
}
