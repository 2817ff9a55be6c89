/// What the kernel has not taken yet of the bytes for one peer: a WebSocket's frames, or an HTTP connection's
/// responses.
///
/// Large stretches are queued by reference to the bytes that many sockets share, small ones are copied into chunks of
/// the outbox's own. One write at a time may be in flight. An empty outbox is two pointers: the rest comes from the
/// worker's pool and goes back when everything is sent.
///
/// A writer's round: `gather`, write, `wrote`. If bytes remain: `gather` again, begin an asynchronous write of that,
/// `setInFlight`, and `completed` when it ends.
struct Outbox: ~Copyable {
  /// Laid out as `struct iovec` and, on Unix, libuv's `uv_buf_t`.
  struct Vector {
    var base: UnsafeMutableRawPointer
    var count: Int
  }

  static var inFlightBytesMax: Int { 64 << 10 }
  private static var referenceBytesMin: Int { 1024 }

  let pool: BytesPool
  /// Nil exactly when nothing is queued.
  private(set) var live: SegmentQueue?

  init(pool: BytesPool) { self.pool = pool }

  /// Queued, with what is in flight.
  var bytes: Int { live?.bytes ?? 0 }
  /// Queued, without what is in flight.
  var bytesToGive: Int { live.map { $0.bytes - $0.inFlight } ?? 0 }
  var isEmpty: Bool { live == nil }
  var isInFlight: Bool { live.map { $0.inFlight > 0 } ?? false }

  // MARK: Queueing

  /// Queues a stretch of shared bytes without copying, unless it is small. `written` says how many of its first bytes
  /// the kernel has taken already: more than 0 only while the outbox is empty.
  mutating func queue(_ shared: SharedBytes, _ range: Range<Int>, written: Int = 0) {
    let start = range.lowerBound + written
    guard start < range.upperBound else { return }
    let queue = makeLive()
    assert(written == 0 || queue.isEmpty)
    // A reference holds the whole storage: it must not be for the sake of a few bytes, or a peer that does not read
    // could make us hold many times its limit. The rest of a partly written stretch is one per socket, and may.
    let size = range.upperBound - start
    if written > 0 || (size >= Outbox.referenceBytesMin && size >= shared.capacity / 4) {
      queue.append(shared, start, range.upperBound, boundary: range.lowerBound)
    } else {
      queue.extend(by: size, pool: pool).copyMemory(from: shared.base + start, byteCount: size)
    }
  }

  /// Queues the rest of what comes before the first frame and is none, of which the kernel has taken the first
  /// `written` bytes: never dropped. Only while the outbox is empty.
  mutating func queuePreamble(_ preamble: SharedBytes, written: Int) {
    assert(isEmpty)
    guard written < preamble.count else { return }
    makeLive().append(preamble, written, preamble.count, boundary: preamble.count)
  }

  /// Queues bytes of this peer's own: a whole frame, or any part of a response. `fill` writes exactly `size` bytes.
  mutating func queueCopy(size: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    guard size > 0 else { return }
    fill(makeLive().extend(by: size, pool: pool))
  }

  mutating func queueCopy(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    queueCopy(size: bytes.count) { $0.copyMemory(from: source, byteCount: bytes.count) }
  }

  private mutating func makeLive() -> SegmentQueue {
    if let live { return live }
    let queue = pool.takeQueue()
    live = queue
    return queue
  }

  // MARK: Writing

  /// The next bytes to write, at most `bytesMax` of them, as far as there are vectors for. Not while a write is in
  /// flight.
  func gather(
    into vectors: UnsafeMutableBufferPointer<Vector>, bytesMax: Int = Outbox.inFlightBytesMax
  ) -> (vectors: Int, bytes: Int) {
    guard let live else { return (0, 0) }
    assert(live.inFlight == 0)
    var count = 0
    var bytes = 0
    for index in live.indices where count < vectors.count && bytes < bytesMax {
      let segment = live.segments[index]
      guard let shared = segment.bytes else { break }
      let size = min(segment.count, bytesMax - bytes)
      vectors[count] = Vector(base: shared.base + segment.start, count: size)
      count += 1
      bytes += size
    }
    return (count, bytes)
  }

  /// The kernel took the first `count` bytes.
  mutating func wrote(_ count: Int) {
    assert(!isInFlight)
    remove(count)
  }

  /// A write of the first `count` bytes began: what it reads stays in place until `completed`.
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
    guard let live else { return }
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
