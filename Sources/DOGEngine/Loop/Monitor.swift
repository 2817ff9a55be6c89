import CUV

/// A value under a lock whose changes can be waited for. Any thread but a worker may wait.
///
/// `@unchecked Sendable`: the value is touched under the lock alone.
final class Monitor<Value: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<uv_mutex_t>
  private let changed: UnsafeMutablePointer<uv_cond_t>
  private var value: Value

  init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    let mutexMade = uv_mutex_init(mutex)
    let condMade = uv_cond_init(changed)
    precondition(mutexMade == 0 && condMade == 0, "no lock to be had")
  }

  deinit {
    uv_cond_destroy(changed)
    uv_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the value; those who wait look again.
  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    uv_mutex_lock(mutex)
    defer {
      uv_cond_broadcast(changed)
      uv_mutex_unlock(mutex)
    }
    return body(&value)
  }

  /// Returns when `isReached` says so.
  func wait(until isReached: (Value) -> Bool) {
    uv_mutex_lock(mutex)
    while !isReached(value) { uv_cond_wait(changed, mutex) }
    uv_mutex_unlock(mutex)
  }
}
