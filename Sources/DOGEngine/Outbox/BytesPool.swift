/// Spare storage of one worker. Batches and outboxes take what they need for a turn and give it back. So a busy socket
/// allocates nothing for a message, and an idle one owns nothing.
///
/// Spares are kept by size class, in powers of two. So a request for little never gets a large buffer, which a slow
/// receiver would then hold for a few bytes.
final class BytesPool {
  private static var classBitsMin: Int { 9 }
  private static var classBitsMax: Int { 20 }
  private static var queuesMax: Int { 4096 }

  /// By class; one in class `i` holds at least `1 << (classBitsMin + i)` bytes, is empty, and nobody else refers to it.
  private var spares: ContiguousArray<ContiguousArray<SharedBytes>>
  private var queues: ContiguousArray<SegmentQueue> = []
  private(set) var spareBytes = 0
  private let spareBytesMax: Int
  /// By pointer: to change a stored property costs two counts of a reference.
  let turnBuffer: UnsafeMutablePointer<TurnBuffer>

  init(spareBytesMax: Int = 2 << 20) {
    self.spareBytesMax = spareBytesMax
    turnBuffer = .allocate(capacity: 1)
    turnBuffer.initialize(to: TurnBuffer())
    spares = ContiguousArray(repeating: [], count: BytesPool.classBitsMax - BytesPool.classBitsMin + 1)
  }

  deinit {
    turnBuffer.pointee.deallocate()
    turnBuffer.deallocate()
  }

  /// Empty, with room for at least `size` bytes.
  func take(atLeast size: Int) -> SharedBytes {
    let bits = Int.bitWidth - max(size - 1, 0).leadingZeroBitCount
    let sizeClass = max(bits - BytesPool.classBitsMin, 0)
    guard sizeClass < spares.count else { return SharedBytes(capacity: size) }
    if let spare = spares[sizeClass].popLast() {
      spareBytes -= spare.capacity
      return spare
    }
    return SharedBytes(capacity: 1 << (sizeClass + BytesPool.classBitsMin))
  }

  /// Takes back storage that nobody else refers to. Past the limit, or if it is huge, the memory is freed instead.
  func give(_ bytes: SharedBytes) {
    let capacity = bytes.capacity
    let bits = Int.bitWidth - 1 - capacity.leadingZeroBitCount
    guard bits >= BytesPool.classBitsMin, bits <= BytesPool.classBitsMax, capacity <= spareBytesMax - spareBytes else {
      return
    }
    bytes.removeAll()
    spareBytes += capacity
    spares[bits - BytesPool.classBitsMin].append(bytes)
  }

  func takeQueue() -> SegmentQueue { queues.popLast() ?? SegmentQueue() }

  func give(_ queue: SegmentQueue) {
    assert(queue.segments.isEmpty && queue.chunk == nil)
    if queues.count < BytesPool.queuesMax { queues.append(queue) }
  }
}
