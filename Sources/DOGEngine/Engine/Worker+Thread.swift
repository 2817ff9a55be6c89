import CDOG
import CUV
import Glibc

// A worker's thread: which one it is, and what it is told apart by.
extension Worker {
  /// The worker whose thread this is. Nearly every call of the host's reads it, so it is in C's thread-local storage.
  static var current: Worker? {
    guard let pointer = cdog_worker() else { return nil }
    return Unmanaged<Worker>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Runs the loop on this thread until the engine has stopped.
  func run() {
    // A write to a reset connection raises SIGPIPE on the thread that writes. It is blocked here, and taken back before
    // the thread's own mask is restored, so the host never sees one.
    var pipe = sigset_t()
    var before = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    hadBlockedPipe = sigismember(&before, SIGPIPE) != 0
    // A host may run one engine inside a callback of another: afterwards the thread is the other's again.
    outer = Worker.current
    cdog_set_worker(Unmanaged.passUnretained(self).toOpaque())
    loop.updateTime()
    watchLoad()
    loop.run()
    ended = []
    cdog_set_worker(outer.map { Unmanaged.passUnretained($0).toOpaque() })
    outer = nil
    if !hadBlockedPipe {
      var none = timespec(tv_sec: 0, tv_nsec: 0)
      while sigtimedwait(&pipe, nil, &none) == SIGPIPE {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// In a child that was forked on this thread: SIGPIPE is as it was before the thread became a worker.
  func unblockPipe() {
    var root = self
    while let outer = root.outer { root = outer }
    guard !root.hadBlockedPipe else { return }
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_UNBLOCK, &pipe, nil)
  }

  /// True on a thread that is one of this engine's workers, even if a worker of another engine runs in one of its
  /// callbacks.
  static func isOn(_ engine: Engine) -> Bool {
    var worker = current
    while let here = worker {
      if here.engine === engine { return true }
      worker = here.outer
    }
    return false
  }

  var isHere: Bool { Worker.current === self }

  @inline(__always)
  func assertHere() { assert(isHere, "called off its worker's thread") }
}
