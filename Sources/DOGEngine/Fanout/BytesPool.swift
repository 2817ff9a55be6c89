/// Spare storage of one worker: batches and outboxes take what they need for a turn and give it back, so that a busy
/// socket allocates nothing per message and an idle one owns nothing.
///
/// Spares are kept by size class, powers of two: whoever asks for little is never handed a large buffer, which a slow
/// receiver would then hold for the sake of a few bytes.
final class BytesPool {
  private static var classBitsMin: Int { 9 }
  private static var classBitsMax: Int { 20 }
  private static var queuesMax: Int { 4096 }

  /// By class; one in class `i` holds at least `1 << (classBitsMin + i)` bytes, is empty, and nobody else refers to it.
  private var spares: ContiguousArray<ContiguousArray<SharedBytes>>
  private var queues: ContiguousArray<SegmentQueue> = []
  private(set) var spareBytes = 0
  private let spareBytesMax: Int

  init(spareBytesMax: Int = 2 << 20) {
    self.spareBytesMax = spareBytesMax
    spares = ContiguousArray(repeating: [], count: BytesPool.classBitsMax - BytesPool.classBitsMin + 1)
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

  /// Takes back what nobody refers to any more. Past the limit, and when it is huge, the memory is freed instead.
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
