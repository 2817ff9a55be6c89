import Glibc

/// A value under a lock whose changes can be waited for. Any thread but a worker may wait.
///
/// `@unchecked Sendable`: the value is touched under the lock alone.
final class Monitor<Value: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    let mutexMade = pthread_mutex_init(mutex, nil)
    let condMade = pthread_cond_init(changed, nil)
    precondition(mutexMade == 0 && condMade == 0, "no lock to be had")
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Waits until `isReached` is true, then reads or changes the value. Threads that wait look again afterwards.
  func withLock<Result>(
    _ body: (inout Value) -> Result, when isReached: (Value) -> Bool = { _ in true }
  ) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    while !isReached(value) { pthread_cond_wait(changed, mutex) }
    return body(&value)
  }

  /// Returns when `isReached` is true.
  func wait(until isReached: (Value) -> Bool) {
    pthread_mutex_lock(mutex)
    while !isReached(value) { pthread_cond_wait(changed, mutex) }
    pthread_mutex_unlock(mutex)
  }
}
