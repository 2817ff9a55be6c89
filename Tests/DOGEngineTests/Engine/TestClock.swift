import Testing

@testable import DOGEngine

/// A time of the test's for all that waits on an engine's workers: nothing has to be waited for, and a machine that
/// stands still decides nothing. The engine's options must be so long that its own clock never comes to them.
final class TestClock {
  private let engine: Engine
  private var passedMs: UInt64 = 0

  init(_ engine: Engine) { self.engine = engine }

  private func ask<Answer: Sendable>(_ question: @escaping @Sendable (Worker) -> Answer) -> [Answer] {
    engine.workers.map { worker in
      let answer = Watched<Answer?>(nil)
      worker.post { worker in
        let found = question(worker)
        answer.change { $0 = found }
      }
      #expect(answer.wait { $0 != nil })
      guard let found = answer.now else { preconditionFailure("a worker does not answer") }
      return found
    }
  }

  /// So much later everything is looked at.
  func pass(_ ms: UInt64) {
    passedMs += ms
    _ = ask { [passedMs] worker in
      let now = worker.loop.now + passedMs
      worker.tables.connections.forEach { $0.deadlineCame(now) }
      worker.tables.sockets.forEach { $0.deadlineCame(now) }
      worker.tables.lingerings.forEach { $0.deadlineCame(now) }
    }
  }

  /// Bytes that have reached the clients of all connections there are, and that have been given to be sent.
  var sent: (delivered: Int, given: Int) {
    let counts = ask { worker in
      var (delivered, given) = (0, 0)
      let add = { (stream: Stream, waiting: Int) in
        delivered += stream.bytesDelivered
        given += stream.bytesGiven + waiting
      }
      worker.tables.connections.forEach { add($0.stream, $0.outbox.bytesToGive) }
      worker.tables.sockets.forEach { add($0.stream, $0.outbox.bytesToGive) }
      worker.tables.lingerings.forEach { add($0.stream, 0) }
      return [delivered, given]
    }
    return (counts.reduce(0) { $0 + $1[0] }, counts.reduce(0) { $0 + $1[1] })
  }

  /// After each step of a client that reads, more of what it was sent has arrived, or all of it.
  func pass(_ ms: UInt64, afterEach step: () throws -> Bool) throws {
    while true {
      let before = sent.delivered
      guard try step() else { return }
      #expect(eventually { sent.delivered > before || sent.delivered == sent.given })
      pass(ms)
    }
  }
}
