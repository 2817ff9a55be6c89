/// What the kernel has not taken yet of the bytes for one peer: a WebSocket's frames, or an HTTP connection's
/// responses.
///
/// A little is *early*: it lies in the worker's `TurnBuffer` until the end of the turn, when the kernel nearly always
/// takes all of it. Everything else is *live*: large stretches are queued by reference to the bytes that many sockets
/// share, small ones are copied into chunks of the outbox's own. One write at a time may be in flight. An empty outbox
/// is three words: the rest comes from the worker's pool and goes back when everything is sent.
///
/// A writer's round: `gather`, write, `wrote`. If bytes remain: `gather` again, begin an asynchronous write of that,
/// `setInFlight`, and `completed` when it ends.
struct Outbox: ~Copyable {
  /// Laid out as `struct iovec` and, on Unix, libuv's `uv_buf_t`.
  struct Vector {
    var base: UnsafeMutableRawPointer
    var count: Int
  }

  /// The most that one asynchronous write has: libuv continues it when the kernel takes more, whatever the turn has
  /// written.
  static var inFlightBytesMax: Int { 16 << 10 }
  private static var referenceBytesMin: Int { 1024 }

  let pool: BytesPool
  /// Nil exactly when nothing is queued but `early`.
  private(set) var live: SegmentQueue?
  /// What was queued first, while that is all.
  private var early = TurnBuffer.Stretch()

  init(pool: BytesPool) { self.pool = pool }

  deinit {
    var early = self.early
    pool.turnBuffer.pointee.giveBack(&early)
  }

  /// Queued, with what is in flight.
  var bytes: Int { live?.bytes ?? Int(early.count) }
  /// Queued, without what is in flight.
  var bytesToGive: Int { live.map { $0.bytes - $0.inFlight } ?? Int(early.count) }
  var isEmpty: Bool { live == nil && early.count == 0 }
  var isInFlight: Bool { live.map { $0.inFlight > 0 } ?? false }

  // MARK: Queueing

  /// Queues a stretch of shared bytes without copying, unless it is small. `written` says how many of its first bytes
  /// the kernel has taken already: more than 0 only while the outbox is empty. True: the outbox refers to `shared` from
  /// now on. False: it does not, and the holder of the only other reference may give the storage back.
  @discardableResult
  mutating func queue(_ shared: SharedBytes, _ range: Range<Int>, written: Int = 0) -> Bool {
    let start = range.lowerBound + written
    guard start < range.upperBound else { return false }
    assert(written == 0 || isEmpty)
    // A reference holds the whole storage. If a few bytes could do that, a peer that does not read could make us hold
    // many times its limit. The rest of a partly written stretch may: there is one for each socket.
    let size = range.upperBound - start
    if written > 0 || (size >= Outbox.referenceBytesMin && size >= shared.capacity / 4) {
      makeLive().append(shared, start, range.upperBound, boundary: range.lowerBound)
      return true
    }
    queueCopy(size: size) { $0.copyMemory(from: shared.base + start, byteCount: size) }
    return false
  }

  /// Queues the rest of the bytes before the first frame, of which the kernel has taken the first `written`: they are
  /// never dropped. Only while the outbox is empty.
  mutating func queuePreamble(_ preamble: SharedBytes, written: Int) {
    assert(isEmpty)
    guard written < preamble.count else { return }
    makeLive().append(preamble, written, preamble.count, boundary: preamble.count)
  }

  /// Queues bytes of this peer's own: a whole frame, or any part of a response. `fill` writes exactly `size` bytes.
  @inline(__always)
  mutating func queueCopy(size: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    guard size > 0 else { return }
    fill(earlyRoom(size) ?? liveRoom(size))
  }

  /// Room for `size` bytes more in the turn's buffer, which the caller fills. Nil: this is for longer, or too much.
  @inline(__always)
  mutating func earlyRoom(_ size: Int) -> UnsafeMutableRawPointer? {
    live == nil ? pool.turnBuffer.pointee.extend(&early, by: size) : nil
  }

  @inline(never)
  private mutating func liveRoom(_ size: Int) -> UnsafeMutableRawPointer { makeLive().extend(by: size, pool: pool) }

  mutating func queueCopy(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    queueCopy(size: bytes.count) { $0.copyMemory(from: source, byteCount: bytes.count) }
  }

  private mutating func makeLive() -> SegmentQueue {
    if let live { return live }
    let queue = pool.takeQueue()
    live = queue
    let bytes = earlyBytes
    if let source = bytes.baseAddress, !bytes.isEmpty {
      pool.turnBuffer.pointee.giveBack(&early)
      queue.extend(by: bytes.count, pool: pool).copyMemory(from: source, byteCount: bytes.count)
    }
    return queue
  }

  /// What is queued, where that is `early` alone; else empty.
  @inline(__always)
  var earlyBytes: UnsafeRawBufferPointer { pool.turnBuffer.pointee.bytes(of: early) }

  /// What lies in the turn's buffer is for longer than the turn.
  mutating func settle() {
    if early.count > 0 { _ = makeLive() }
  }

  // MARK: Writing

  /// The next bytes to write, at most `bytesMax` of them, as far as there are vectors for. Not while a write is in
  /// flight.
  func gather(
    into vectors: UnsafeMutableBufferPointer<Vector>, bytesMax: Int = Outbox.inFlightBytesMax
  ) -> (vectors: Int, bytes: Int) {
    guard let live else { return gatherEarly(into: vectors, bytesMax) }
    assert(live.inFlight == 0)
    var count = 0
    var bytes = 0
    // Stops when the vectors are used up: the segments behind them are not looked at.
    var index = live.head
    while count < vectors.count, bytes < bytesMax, index < live.segments.count {
      let segment = live.look(at: index)
      index += 1
      guard let shared = segment.bytes else { break }
      let size = min(segment.count, bytesMax - bytes)
      vectors[count] = Vector(base: shared.base + segment.start, count: size)
      count += 1
      bytes += size
    }
    return (count, bytes)
  }

  private func gatherEarly(
    into vectors: UnsafeMutableBufferPointer<Vector>, _ bytesMax: Int
  ) -> (vectors: Int, bytes: Int) {
    let bytes = earlyBytes
    let size = min(bytes.count, bytesMax)
    guard let base = bytes.baseAddress, size > 0, vectors.count > 0 else { return (0, 0) }
    vectors[0] = Vector(base: UnsafeMutableRawPointer(mutating: base), count: size)
    return (1, size)
  }

  /// The kernel took the first `count` bytes.
  @inline(__always)
  mutating func wrote(_ count: Int) {
    if live == nil, count == Int(early.count) { return pool.turnBuffer.pointee.giveBack(&early) }
    wrotePart(count)
  }

  @inline(never)
  private mutating func wrotePart(_ count: Int) {
    assert(!isInFlight)
    settle()
    remove(count)
  }

  /// A write of the first `count` bytes began, after `settle`: what it reads stays in place until `completed`.
  func setInFlight(_ count: Int) {
    assert(!isInFlight && count > 0 && count <= bytes)
    live?.inFlight = count
  }

  /// The write in flight ended, well or not: its bytes are gone from here.
  mutating func completed() {
    guard let live else { return }
    let count = live.inFlight
    live.inFlight = 0
    remove(count)
  }

  /// The connection is lost: forgets all but what is in flight.
  mutating func discard() {
    guard let live else { return pool.turnBuffer.pointee.giveBack(&early) }
    live.keepFirst(live.inFlight)
    releaseIfEmpty()
  }

  private mutating func remove(_ count: Int) {
    guard let live else { return }
    live.removeFirst(count)
    releaseIfEmpty()
  }

  mutating func releaseIfEmpty() {
    guard let queue = live, queue.isEmpty else { return }
    live = nil
    queue.reset(pool: pool)
    pool.give(queue)
  }
}
