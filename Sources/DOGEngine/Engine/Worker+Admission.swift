import CUV
import Synchronization

/// Watches how late a worker's loop is. Each worker has its own, where the option is set.
struct LagWatch {
  var admission: Admission
  /// When the loop should look next; late by as much as the loop is.
  private(set) var due: UInt64
  private let periodMs: UInt64

  init(markMs: UInt64, now: UInt64) {
    admission = .lag(markMs)
    // Often enough that a stall is found within a part of the mark, seldom enough to cost nothing.
    periodMs = min(max(markMs / 4, 5), 100)
    due = now + periodMs
  }

  /// The loop looks, or has something to decide before it does. Nil: nothing changed.
  mutating func look(now: UInt64, isDue: Bool) -> Admission.Change? {
    let lag = now > due ? now - due : 0
    // What comes before its time says nothing unless it is bad news: the loop is on its way to being late.
    guard isDue || lag > admission.opensAt else { return nil }
    if isDue { due = now + periodMs }
    return admission.sample(lag, now: now)
  }
}

// Who is let in, while there is a load that new connections would make worse.
extension Worker {
  static let memoryPeriodMs: UInt64 = 250
  /// Connections that were refused and have not ended: one past it is not waited for.
  static let refusedConnectionsMax = 256
  /// How long such a connection has for its handshake and to read its 503.
  static let refusedConnectionMs: UInt64 = 2000

  /// Milliseconds of the loop's clock as of now, which in the middle of a turn is later than `now`.
  private static var preciseNow: UInt64 { uv_hrtime() / 1_000_000 }

  /// At the start, on the worker's thread.
  func watchLoad() {
    guard !isDraining else { return }
    let now = Worker.preciseNow
    let options = engine.options
    if options.admissionLagMs > 0 { lagWatch = LagWatch(markMs: options.admissionLagMs, now: now) }
    if options.admissionMemoryBytes > 0, index == 0 {
      memoryWatch = (Admission.memory(options.admissionMemoryBytes), due: now)
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

  /// Why a new connection is not let in; nil when it is.
  func overload() -> StaticString? {
    if engine.isShortOfMemory.load(ordering: .relaxed) { return "the process is over admission_memory_bytes" }
    guard lagWatch != nil else { return nil }
    // A stall is found here before the timer finds it: connections that came meanwhile are accepted first.
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

  private func lookAtMemory(_ now: UInt64) {
    memoryWatch?.due = now + Worker.memoryPeriodMs
    var resident = 0
    guard uv_resident_set_memory(&resident) == 0,
      let change = memoryWatch?.admission.sample(UInt64(max(resident, 0)), now: now)
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
