import CDOG
import Glibc
import Synchronization

/// The engines alive in this process, by the number that their handles carry. Any thread.
enum EngineTable {
  static var enginesMax: Int { CDOG_ENGINES_MAX }

  /// One number of an engine. It is read without a lock, by every call from a thread that is no worker. So it fills a
  /// cache line, and engines do not disturb one another.
  private struct Slot: ~Copyable {
    /// The engine, whose reference the table counts; nil: none has this number.
    let engine = Atomic<UnsafeRawPointer?>(nil)
    /// How many threads are looking at it right now. Until they are done, it is not let go.
    let lookers = Atomic<Int>(0)
    private let padding = (0, 0, 0, 0, 0, 0)
  }

  /// By number less one. In memory of zeros, as a new `Slot` is.
  private static var slots: UnsafeMutablePointer<Slot> { cdog_engine_slots().assumingMemoryBound(to: Slot.self) }

  private struct State: ~Copyable {
    /// Counts every engine ever made: it tells apart two engines that had the same number.
    var incarnation: UInt = 0
    var next = 0
    var watchesFork = false
  }

  private static let state = Lock(State())

  /// True in a child after fork(): the workers stayed with the parent, so nothing here works.
  static var isForked: Bool { cdog_is_forked() }

  /// Numbers an engine. The numbers go round, so that each rests as long as possible before it is used again.
  static func add(_ make: (_ number: Int, _ incarnation: UInt) -> Engine) throws(Status) -> Engine {
    guard !isForked else { throw .forked }
    precondition(MemoryLayout<Slot>.stride == CDOG_ENGINE_SLOT_BYTES)
    return try state.withLock { state throws(Status) in
      if !state.watchesFork {
        state.watchesFork = true
        pthread_atfork(nil, nil) {
          cdog_set_forked()
          // The thread is no worker in the child, and a program that it executes next expects the host's signal mask.
          Worker.current?.unblockPipe()
        }
      }
      for step in 0..<enginesMax {
        let index = (state.next + step) % enginesMax
        let slot = slots + index
        guard slot.pointee.engine.load(ordering: .acquiring) == nil else { continue }
        state.incarnation += 1
        let engine = make(index + 1, state.incarnation)
        slot.pointee.engine.store(
          UnsafeRawPointer(Unmanaged.passRetained(engine).toOpaque()), ordering: .sequentiallyConsistent)
        state.next = (index + 1) % enginesMax
        return engine
      }
      throw .full.because("\(enginesMax) engines are alive in this process")
    }
  }

  /// The engine of this number, for as long as it is wanted.
  static func find(_ number: Int) -> Engine? { withEngine(number) { $0 } }

  /// Lends the engine of this number. It does not go before `body` has returned, and no reference is counted. `body`
  /// does a bounded amount of work and calls nothing of the host's. Nil: there is none.
  @inline(__always)
  static func withEngine<Result>(_ number: Int, _ body: (Engine) -> Result) -> Result? {
    guard (1...enginesMax).contains(number) else { return nil }
    let slot = slots + (number - 1)
    // Sequentially consistent, as in `remove`: either the engine is seen to be gone here, or the looker is seen there.
    slot.pointee.lookers.add(1, ordering: .sequentiallyConsistent)
    defer { slot.pointee.lookers.subtract(1, ordering: .releasing) }
    guard let engine = slot.pointee.engine.load(ordering: .sequentiallyConsistent) else { return nil }
    return Unmanaged<Engine>.fromOpaque(engine)._withUnsafeGuaranteedRef { body($0) }
  }

  static func remove(_ engine: Engine) {
    let slot = slots + (engine.number - 1)
    let pointer = UnsafeRawPointer(Unmanaged.passUnretained(engine).toOpaque())
    let (isRemoved, _) = slot.pointee.engine.compareExchange(
      expected: pointer, desired: nil, ordering: .sequentiallyConsistent)
    guard isRemoved else { return }
    while slot.pointee.lookers.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
    Unmanaged.passUnretained(engine).release()
  }
}
