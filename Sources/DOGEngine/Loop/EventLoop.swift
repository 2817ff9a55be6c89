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

  /// True while nothing is read from any stream, because what is read could not be passed on.
  private(set) var isHolding = false
  /// When it last began to hold, and for how long it had held before.
  private var heldFrom: UInt64 = 0
  private var heldBeforeMs: UInt64 = 0
  /// Streams that have something to read and wait: for the loop to hold no more, or for their turn.
  private var waiting = Line<Stream>()
  /// Streams whose end alone matters: they wait for their turn, but not for the loop to hold no more.
  private var ending = Line<Stream>()
  /// What this turn may still read. By pointer: to change a stored property costs two counts of a reference.
  private let readBytesLeft: UnsafeMutablePointer<Int>
  private let readTurnBytesMax: Int

  /// For streams that are not read.
  let endWatch: EndWatch

  private let async: UnsafeMutablePointer<uv_async_t>
  private let prepare: UnsafeMutablePointer<uv_prepare_t>
  private let timer: UnsafeMutablePointer<uv_timer_t>

  var onWake: () -> Void = {}
  var onTurnEnd: () -> Void = {}
  var onTimer: () -> Void = {}

  init(readTurnBytesMax: Int = .max) throws(Status) {
    self.readTurnBytesMax = readTurnBytesMax
    uv = .allocate(capacity: 1)
    async = .allocate(capacity: 1)
    prepare = .allocate(capacity: 1)
    timer = .allocate(capacity: 1)
    let loopResult = uv_loop_init(uv)
    guard loopResult == 0 else {
      uv.deallocate()
      async.deallocate()
      prepare.deallocate()
      timer.deallocate()
      throw .system.because("there is no loop for a worker: \(SystemError(uv: loopResult))")
    }
    endWatch = EndWatch(on: uv)
    readBytesLeft = .allocate(capacity: 1)
    readBytesLeft.initialize(to: readTurnBytesMax)
    readBuffer = .allocate(byteCount: EventLoop.readBufferBytes, alignment: 64)
    let me = Unmanaged.passUnretained(self).toOpaque()
    uv.pointee.data = me
    async.pointee.data = me
    prepare.pointee.data = me
    timer.pointee.data = me
    uv_prepare_init(uv, prepare)
    uv_timer_init(uv, timer)
    let asyncResult = uv_async_init(uv, async) { handle in EventLoop.of(handle?.pointee.data) { $0.onWake() } }
    guard asyncResult == 0 else {
      // `async` may not be an initialised handle: only the other two are closed.
      close([cuv_handle(prepare), cuv_handle(timer)])
      run()
      throw .system.because("there is no loop for a worker: \(SystemError(uv: asyncResult))")
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
    readBytesLeft.deallocate()
  }

  /// Milliseconds of a clock that only goes forward, as of this turn.
  var now: UInt64 { uv_now(uv) }

  /// For work before the loop runs, which may be long after it was made.
  func updateTime() { uv_update_time(uv) }

  /// Runs `onWake` soon on the loop's thread; several calls may become one. Any thread, until `close`.
  func wake() { uv_async_send(async) }

  /// Has a stream read what it holds, before the loop sleeps.
  func resumeLater(_ stream: Stream) { resumed.append(stream) }

  // MARK: Who may read

  /// From now on no stream reads, until `goOn`. What comes stays with the kernel.
  func hold() {
    guard !isHolding else { return }
    isHolding = true
    heldFrom = now
  }

  /// The streams that wait read again, each in its turn, from the end of this turn on. On the loop's thread.
  func goOn() {
    guard isHolding else { return }
    isHolding = false
    heldBeforeMs += now - heldFrom
  }

  /// What a read counts for beside its bytes.
  static var readCallBytes: Int { 256 }
  /// What the end of a connection counts for: about what it costs to close it.
  static var endBytes: Int { 8 << 10 }
  /// What a stream reads when its turn comes and this turn of the loop has read enough already.
  static var turnBytesMin: Int { 16 << 10 }
  /// How many streams of each line read in one turn of the loop.
  private static var turnsAtOnceMax: Int { 16 }

  @inline(__always)
  func spend(_ bytes: Int) { readBytesLeft.pointee &-= bytes }

  /// This turn has read enough: others come first.
  @inline(__always)
  var hasReadEnough: Bool { readBytesLeft.pointee <= 0 }

  /// Nobody waits before this stream, and there is something left to read in this turn.
  @inline(__always)
  func hasRoomToRead(_ stream: Stream) -> Bool {
    !hasReadEnough && (stream.readsToEnd ? ending.isEmpty : waiting.isEmpty)
  }

  /// It waits behind those that wait already.
  func standInLine(_ stream: Stream) {
    if stream.readsToEnd { ending.append(stream) } else { waiting.append(stream) }
  }

  /// The stream waits no more.
  func leaveLine(_ stream: Stream) {
    guard stream.isHeld else { return }
    if stream.readsToEnd { ending.remove(stream) } else { waiting.remove(stream) }
  }

  /// For how long it has held in all: a stream may wait through several holds.
  var heldMs: UInt64 { heldBeforeMs + (isHolding ? now - heldFrom : 0) }

  private func giveTurns() {
    readBytesLeft.pointee = readTurnBytesMax
    for _ in 0..<EventLoop.turnsAtOnceMax {
      guard let stream = ending.popFirst() else { break }
      stream.goOn(heldSince: nil)
    }
    for _ in 0..<EventLoop.turnsAtOnceMax {
      guard !isHolding, let stream = waiting.popFirst() else { break }
      let heldMs = self.heldMs - stream.heldMsAtWait
      stream.goOn(heldSince: heldMs > 0 ? now - heldMs : nil)
    }
  }

  // MARK: The end of a turn

  private func endTurn() {
    giveTurns()
    if !resumed.isEmpty { resumeAll() }
    onTurnEnd()
    // Streams that read again only now: the loop must turn once more for them.
    if !resumed.isEmpty || !ending.isEmpty || !isHolding && !waiting.isEmpty { wake() }
  }

  private func resumeAll() {
    var streams: [Stream] = []
    swap(&streams, &resumed)
    for stream in streams { stream.resume() }
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
    close([cuv_handle(async), cuv_handle(prepare), cuv_handle(timer)])
  }

  private func close(_ handles: [UnsafeMutablePointer<uv_handle_t>?]) {
    for handle in handles where uv_is_closing(handle) == 0 { uv_close(handle, nil) }
    endWatch.close()
  }

  @inline(__always)
  private static func of(_ data: UnsafeMutableRawPointer?, _ body: (EventLoop) -> Void) {
    guard let data else { return }
    Unmanaged<EventLoop>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
  }
}
