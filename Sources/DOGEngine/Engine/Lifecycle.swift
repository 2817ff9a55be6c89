import CUV
import Synchronization

/// Where an engine is in its life. Any thread.
///
///     new --start, run--> running --stop--> stopping --the last worker ends--> stopped
///      \--destroy, a start that fails---------------------------------------------^
struct Lifecycle: ~Copyable, Sendable {
  enum State: Equatable {
    case new
    case running
    case stopping
    case stopped
  }

  struct Life: Sendable {
    var state = State.new
    /// Workers whose threads have not ended.
    var workersRunning = 0
    /// Threads that were made and not joined yet.
    var threads: [uv_thread_t] = []
    /// True while the threads are made.
    var isStarting = false
    /// True while one caller joins the threads.
    var isJoining = false
    var wasStarted = false
  }

  let life = Monitor(Life())
  /// `Life.wasStarted` without the lock, for calls from threads of the host's.
  private let started = Atomic<Bool>(false)

  var isNew: Bool { life.withLock { $0.state == .new } }
  var wasStarted: Bool { started.load(ordering: .acquiring) }

  /// There are workers now, whatever happens to them.
  func markStarted() {
    life.withLock { $0.wasStarted = true }
    started.store(true, ordering: .releasing)
  }

  /// One worker's thread is done. True: it was the last.
  func workerEnded() -> Bool {
    life.withLock { life in
      life.workersRunning -= 1
      guard life.workersRunning == 0 else { return false }
      life.state = .stopped
      return true
    }
  }

  /// Returns when all workers have ended and their threads are joined.
  func waitUntilStopped() {
    let threads = life.withLock { life in
      life.isJoining = true
      defer { life.threads = [] }
      return life.threads
    } when: {
      $0.state == .stopped && !$0.isStarting && !$0.isJoining
    }
    for var thread in threads { uv_thread_join(&thread) }
    life.withLock { $0.isJoining = false }
  }
}
