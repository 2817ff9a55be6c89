import Glibc

/// A value that several threads change and a test waits for, until a generous deadline.
///
/// `@unchecked Sendable`: the value is touched under the lock alone.
final class Watched<Value>: @unchecked Sendable {
  static var deadlineSeconds: Int { 30 }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    changed.deallocate()
  }

  @discardableResult
  func change<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    return body(&value)
  }

  var now: Value { change { $0 } }

  /// True as soon as the value is as it should be; false when the deadline has passed.
  @discardableResult
  func wait(until isReached: (Value) -> Bool) -> Bool {
    var deadline = timespec()
    clock_gettime(CLOCK_REALTIME, &deadline)
    deadline.tv_sec += Self.deadlineSeconds
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isReached(value) {
      if pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT { return isReached(value) }
    }
    return true
  }
}

/// Closed at first; who waits passes once it is open.
typealias Gate = Watched<Bool>

extension Watched where Value == Bool {
  convenience init() { self.init(false) }

  func open() { change { $0 = true } }

  @discardableResult
  func pass() -> Bool { wait { $0 } }
}

/// Looks again and again until it holds; false when the deadline has passed. For what no event tells of.
func eventually(_ holds: () -> Bool) -> Bool {
  var start = timespec()
  clock_gettime(CLOCK_MONOTONIC, &start)
  while !holds() {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    if now.tv_sec - start.tv_sec > Watched<Bool>.deadlineSeconds { return false }
    usleep(1000)
  }
  return true
}

/// A thread that no engine knows.
final class ForeignThread: Sendable {
  private let isDone = Gate()

  @discardableResult
  init(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let isDone = isDone
    let work = Work {
      body()
      isDone.open()
    }
    var thread = pthread_t()
    let made = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(work).toOpaque())
    precondition(made == 0, "no thread to be had")
    pthread_detach(thread)
  }

  @discardableResult
  func join() -> Bool { isDone.pass() }
}
