import Glibc
import Synchronization

/// The engines alive in this process, by the number that their handles carry. Any thread.
enum EngineTable {
  static let enginesMax = 255

  private struct State: ~Copyable {
    /// Index is the engine's number less one.
    var engines: [Engine?] = Array(repeating: nil, count: enginesMax)
    /// Counts every engine ever made: it tells apart two engines that had the same number.
    var incarnation: UInt = 0
    var next = 0
    var watchesFork = false
  }

  private static let state = Lock(State())
  /// True in a child after fork(): the workers stayed with the parent, so nothing here works.
  private static let forked = Atomic<Bool>(false)

  static var isForked: Bool { forked.load(ordering: .relaxed) }

  /// Numbers an engine. The numbers go round, so that each rests as long as possible before it is used again.
  static func add(_ make: (_ number: Int, _ incarnation: UInt) -> Engine) throws(Status) -> Engine {
    guard !isForked else { throw .forked }
    return try state.withLock { state throws(Status) in
      if !state.watchesFork {
        state.watchesFork = true
        pthread_atfork(nil, nil) {
          EngineTable.forked.store(true, ordering: .relaxed)
          // The thread is no worker in the child, and a program that it executes next expects the host's signal mask.
          Worker.current?.unblockPipe()
        }
      }
      for step in 0..<enginesMax {
        let index = (state.next + step) % enginesMax
        guard state.engines[index] == nil else { continue }
        state.incarnation += 1
        let engine = make(index + 1, state.incarnation)
        state.engines[index] = engine
        state.next = (index + 1) % enginesMax
        return engine
      }
      throw .full.because("\(enginesMax) engines are alive in this process")
    }
  }

  static func find(_ number: Int) -> Engine? {
    guard (1...enginesMax).contains(number) else { return nil }
    return state.withLock { $0.engines[number - 1] }
  }

  static func remove(_ engine: Engine) {
    state.withLock { state in
      if state.engines[engine.number - 1] === engine { state.engines[engine.number - 1] = nil }
    }
  }
}
