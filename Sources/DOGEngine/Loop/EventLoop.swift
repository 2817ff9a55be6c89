import CUV

/// One libuv loop, run by one thread. Its owner is woken from other threads, told once per turn right before the loop
/// would sleep, and has one timer.
///
/// `@unchecked Sendable`: `wake` is for any thread (uv_async_send is); the rest is the loop's thread's.
final class EventLoop: @unchecked Sendable {
  static let readBufferBytes = 128 * 1024

  let uv: UnsafeMutablePointer<uv_loop_t>
  /// What a read fills; lent to the stream's owner for the length of one callback.
  let readBuffer: UnsafeMutableRawBufferPointer
  /// Made for the first TLS connection.
  private(set) lazy var tlsBuffers = TLSBuffers()
  /// TLS streams that read again and hold something to read already.
  private var resumed: [Stream] = []

  /// True while nothing is read from any stream: what reads here cannot pass on what it gets.
  private(set) var isHolding = false
  /// Streams that had something to read meanwhile, each at its `heldPlace`.
  private var held: [Stream] = []

  private let async: UnsafeMutablePointer<uv_async_t>
  private let prepare: UnsafeMutablePointer<uv_prepare_t>
  private let timer: UnsafeMutablePointer<uv_timer_t>

  var onWake: () -> Void = {}
  var onTurnEnd: () -> Void = {}
  var onTimer: () -> Void = {}

  init() throws(Status) {
    uv = .allocate(capacity: 1)
    async = .allocate(capacity: 1)
    prepare = .allocate(capacity: 1)
    timer = .allocate(capacity: 1)
    guard uv_loop_init(uv) == 0 else {
      uv.deallocate()
      async.deallocate()
      prepare.deallocate()
      timer.deallocate()
      throw .system
    }
    readBuffer = .allocate(byteCount: EventLoop.readBufferBytes, alignment: 64)
    let me = Unmanaged.passUnretained(self).toOpaque()
    uv.pointee.data = me
    async.pointee.data = me
    prepare.pointee.data = me
    timer.pointee.data = me
    let asyncResult = uv_async_init(uv, async) { handle in EventLoop.of(handle?.pointee.data) { $0.onWake() } }
    uv_prepare_init(uv, prepare)
    uv_timer_init(uv, timer)
    guard asyncResult == 0 else {
      close()
      run()
      throw .system
    }
    uv_prepare_start(prepare) { handle in EventLoop.of(handle?.pointee.data) { $0.endTurn() } }
  }

  deinit {
    let closed = uv_loop_close(uv)
    assert(closed == 0, "a loop was let go with open handles")
    uv.deallocate()
    async.deallocate()
    prepare.deallocate()
    timer.deallocate()
    readBuffer.deallocate()
  }

  /// Milliseconds of a clock that only goes forward, as of this turn.
  var now: UInt64 { uv_now(uv) }

  /// For what is done before the loop runs, which may be long after it was made.
  func updateTime() { uv_update_time(uv) }

  /// Runs `onWake` soon on the loop's thread; several calls may become one. Any thread, until `close`.
  func wake() { uv_async_send(async) }

  /// Has a stream read what it holds, before the loop sleeps.
  func resumeLater(_ stream: Stream) { resumed.append(stream) }

  /// From now on no stream reads, until `goOn`. What comes stays with the kernel.
  func hold() { isHolding = true }

  func goOn() {
    isHolding = false
    var streams: [Stream] = []
    swap(&streams, &held)
    // Each is out of the list before the first goes on, which may hold it again or close it.
    for stream in streams { stream.heldPlace = nil }
    for stream in streams { stream.goOn() }
  }

  func goOnLater(_ stream: Stream) {
    guard stream.heldPlace == nil else { return }
    stream.heldPlace = held.count
    held.append(stream)
  }

  /// The stream waits no more: it has closed, or need not.
  func forgetHeld(_ stream: Stream) {
    guard let place = stream.heldPlace, let last = held.popLast() else { return }
    if last !== stream {
      held[place] = last
      last.heldPlace = place
    }
    stream.heldPlace = nil
  }

  private func endTurn() {
    var streams: [Stream] = []
    swap(&streams, &resumed)
    for stream in streams { stream.resume() }
    onTurnEnd()
    // Those that read again only now: the loop must come round for them.
    if !resumed.isEmpty { wake() }
  }

  /// Runs `onTimer` once at `time` (see `now`), in place of any time set before.
  func setTimer(at time: UInt64) {
    let now = self.now
    uv_timer_start(
      timer, { handle in EventLoop.of(handle?.pointee.data) { $0.onTimer() } }, time > now ? time - now : 0, 0)
  }

  /// Returns when every handle on it is closed.
  func run() { uv_run(uv, UV_RUN_DEFAULT) }

  /// Closes the loop's own handles, after which `run` returns as soon as the others are closed too.
  func close() {
    let handles = [cuv_handle(async), cuv_handle(prepare), cuv_handle(timer)]
    for handle in handles where uv_is_closing(handle) == 0 { uv_close(handle, nil) }
  }

  @inline(__always)
  private static func of(_ data: UnsafeMutableRawPointer?, _ body: (EventLoop) -> Void) {
    guard let data else { return }
    Unmanaged<EventLoop>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
  }
}
