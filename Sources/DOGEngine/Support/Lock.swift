import Glibc

/// A value under a lock, held for a few instructions at a time. Any thread.
///
/// A pthread mutex and not `Synchronization.Mutex`: the thread sanitizer does not understand Swift's own, and would
/// report races that are none.
///
/// `@unchecked Sendable`: the value is touched under the lock alone.
final class Lock<Value: ~Copyable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  init(_ value: consuming Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    let made = pthread_mutex_init(mutex, nil)
    precondition(made == 0, "no lock to be had")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  @inline(__always)
  func withLock<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
