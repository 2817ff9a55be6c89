import CDOG
import CUV
import Synchronization

/// Watches how late a worker's loop is. Each worker has its own, if the option is set.
struct LagWatch {
  var admission: Admission
  /// When the loop should look next. It looks later by as much as the loop is late.
  private(set) var due: UInt64
  private let periodMs: UInt64

  init(markMs: UInt64, now: UInt64) {
    admission = .lag(markMs)
    // Often enough to find a stall within a fraction of the mark, seldom enough to cost nothing.
    periodMs = min(max(markMs / 4, 5), 100)
    due = now + periodMs
  }

  /// Takes a sample when it is due, or earlier, when there is a decision to make. Nil: nothing changed.
  mutating func look(now: UInt64, isDue: Bool) -> Admission.Change? {
    let lag = now > due ? now - due : 0
    // An early sample counts only if it is bad: the loop is late already.
    guard isDue || lag > admission.opensAt else { return nil }
    if isDue { due = now + periodMs }
    return admission.sample(lag, now: now)
  }
}

// Whether new connections are let in while the load is high.
extension Worker {
  static let memoryPeriodMs: UInt64 = 250
  /// How often the allocator is asked to free memory, which takes a while.
  static let trimPeriodMs: UInt64 = 1000
  /// How many refused connections may be open: further ones are closed at once.
  static let refusedConnectionsMax = 256
  /// How long a refused connection has for its handshake and to read its 503.
  static let refusedConnectionMs: UInt64 = 2000

  /// The loop's clock at this moment, in milliseconds: in the middle of a turn it is later than `now`.
  static var preciseNow: UInt64 { uv_hrtime() / 1_000_000 }

  /// At the start, on the worker's thread.
  func watchLoad() {
    guard !isDraining else { return }
    let now = Worker.preciseNow
    let options = engine.options
    if options.admissionLagMs > 0 { lagWatch = LagWatch(markMs: options.admissionLagMs, now: now) }
    if options.admissionMemoryBytes > 0, index == 0 {
      memoryWatch = (Admission.memory(options.admissionMemoryBytes), due: now, trimDue: now)
    }
    setTimer()
  }

  func stopWatchingLoad() {
    lagWatch = nil
    memoryWatch = nil
  }

  var nextLook: UInt64? {
    guard let lag = lagWatch?.due else { return memoryWatch?.due }
    return memoryWatch.map { min($0.due, lag) } ?? lag
  }

  func lookAtLoad(_ now: UInt64) {
    if let due = lagWatch?.due, due <= now { lookAtLag(now, isDue: true) }
    if let due = memoryWatch?.due, due <= now { lookAtMemory(now) }
  }

  /// Why a new connection is not let in; nil if it is.
  func overload() -> StaticString? {
    if engine.isShortOfMemory.load(ordering: .relaxed) { return "the process is over admission_memory_bytes" }
    guard lagWatch != nil else { return nil }
    // Connections that came during a stall are accepted before the timer runs, so the lag is looked at here too.
    lookAtLag(Worker.preciseNow, isDue: false)
    return lagWatch?.admission.isOpen == false ? "the worker's loop is over admission_lag_ms late" : nil
  }

  private func lookAtLag(_ now: UInt64, isDue: Bool) {
    guard let change = lagWatch?.look(now: now, isDue: isDue) else { return }
    switch change {
    case .closed:
      log(.warn, "worker \(index) lets nobody new in: its loop is over \(engine.options.admissionLagMs) ms late")
    case .opened: log(.warn, "worker \(index) lets new connections in again: its loop is in time")
    }
  }

  /// The allocator keeps memory that was freed, which counts as resident. It is asked to return that before anybody is
  /// refused because of it.
  private func residentBytes(_ now: UInt64) -> UInt64? {
    guard let watch = memoryWatch, let resident = SystemFile.residentBytes() else { return nil }
    guard resident > watch.admission.opensAt, now >= watch.trimDue else { return resident }
    memoryWatch?.trimDue = now + Worker.trimPeriodMs
    cdog_trim_memory()
    return SystemFile.residentBytes()
  }

  private func lookAtMemory(_ now: UInt64) {
    memoryWatch?.due = now + Worker.memoryPeriodMs
    guard let resident = residentBytes(now), let change = memoryWatch?.admission.sample(resident, now: now)
    else { return }
    engine.isShortOfMemory.store(change == .closed, ordering: .relaxed)
    switch change {
    case .closed:
      let mark = engine.options.admissionMemoryBytes
      log(.warn, "nobody new is let in: \(resident) bytes are resident, the mark is \(mark)")
    case .opened: log(.warn, "new connections are let in again: \(resident) bytes are resident")
    }
  }
}
