/// The part of an outbox that exists only while something is queued: stretches of shared bytes, first in, first out.
final class SegmentQueue {
  struct Segment {
    /// Nil exactly in segments that were sent.
    var bytes: SharedBytes?
    var start: Int
    var end: Int
    /// A place from which whole frames follow one another up to `end`. Before `start` it says where to look for the
    /// frame that is partly sent; after it, what lies between is not to be dropped. Means nothing for bytes that are no
    /// frames.
    var boundary: Int

    var count: Int { end - start }
  }

  private static var chunkBytesMin: Int { 512 }
  private static var chunkBytesMax: Int { 64 << 10 }

  private(set) var segments: ContiguousArray<Segment> = []
  /// The first segment that is not sent.
  private(set) var head = 0
  /// The sum over the segments from `head` on.
  private(set) var bytes = 0
  /// How many of `bytes`, at the front, the kernel is working on: they stay where they are until it is done.
  var inFlight = 0
  /// Where copies go. It never outgrows its capacity, so what the kernel reads of it does not move.
  private(set) var chunk: SharedBytes?

  var isEmpty: Bool { bytes == 0 }
  var indices: Range<Int> { head..<segments.count }

  /// `boundary` is `start`, but in an empty queue it may lie before it.
  func append(_ shared: SharedBytes, _ start: Int, _ end: Int, boundary: Int) {
    assert(start < end && end <= shared.count && (boundary == start || isEmpty))
    bytes += end - start
    if let last = segments.last, last.bytes === shared, last.end == start {
      segments[segments.count - 1].end = end
    } else {
      segments.append(Segment(bytes: shared, start: start, end: end, boundary: boundary))
    }
  }

  /// Room for `size` bytes of the queue's own at its end, which the caller fills.
  func extend(by size: Int, pool: BytesPool) -> UnsafeMutableRawPointer {
    let chunk = chunk(withRoomFor: size, pool: pool)
    let start = chunk.count
    let target = chunk.extend(by: size)
    append(chunk, start, start + size, boundary: start)
    return target
  }

  /// A longer queue gets larger chunks. What would fill one alone gets storage of its own.
  private func chunk(withRoomFor size: Int, pool: BytesPool) -> SharedBytes {
    var larger = SegmentQueue.chunkBytesMin
    if let chunk {
      if size <= chunk.capacity - chunk.count { return chunk }
      larger = min(chunk.capacity * 2, SegmentQueue.chunkBytesMax)
    }
    let made = pool.take(atLeast: max(size, larger))
    if size < SegmentQueue.chunkBytesMax { chunk = made }
    return made
  }

  /// The first `count` bytes are sent.
  func removeFirst(_ count: Int) {
    assert(count <= bytes)
    bytes -= count
    var left = count
    while left > 0 {
      let size = segments[head].count
      guard left >= size else {
        segments[head].start += left
        break
      }
      segments[head].bytes = nil
      head += 1
      left -= size
    }
    // What was sent leaves the array in bulk, so that a write costs no move of all that waits behind it.
    if head >= 64, head * 2 >= segments.count {
      segments.removeSubrange(0..<head)
      head = 0
    }
  }

  /// Only the first `count` bytes stay.
  func keepFirst(_ count: Int) {
    var left = count
    var index = head
    while left > 0 {
      if left < segments[index].count {
        segments[index].end = segments[index].start + left
        segments[index].boundary = segments[index].end
      }
      left -= segments[index].count
      index += 1
    }
    segments.removeSubrange(index...)
    bytes = count
  }

  /// Exchanges these segments for others; what they hold less is gone from the queue.
  func replace(_ range: Range<Int>, with others: [Segment]) {
    for index in range { bytes -= segments[index].count }
    for segment in others { bytes += segment.count }
    segments.replaceSubrange(range, with: others)
  }

  /// Empty as it is, it becomes as it was made; the chunk goes back, if nobody refers to it any more.
  func reset(pool: BytesPool) {
    assert(isEmpty && inFlight == 0)
    segments.removeAll(keepingCapacity: segments.capacity <= 4)
    head = 0
    if isKnownUniquelyReferenced(&chunk), let last = chunk.take() { pool.give(last) }
    chunk = nil
  }
}
