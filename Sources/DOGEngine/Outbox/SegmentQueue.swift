/// The part of an outbox that exists only while something is queued: stretches of shared bytes, first in, first out.
final class SegmentQueue {
  struct Segment {
    /// Nil exactly in segments that were sent.
    var bytes: SharedBytes?
    var start: Int
    var end: Int
    /// An offset from which whole frames follow one another up to `end`. If it is before `start`, the frame that is
    /// partly sent is found from there. If it is after `start`, the bytes between are not to be dropped. Means nothing
    /// for bytes that are no frames.
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
  #if DEBUG
    /// Segments looked at to write, and moved: for the tests, which count them.
    private(set) var steps = 0
  #endif
  /// Where copies go. It is never extended past its capacity, so what the kernel reads of it does not move.
  private(set) var chunk: SharedBytes?

  @inline(__always)
  func look(at index: Int) -> Segment {
    countSteps(1)
    return segments[index]
  }

  @inline(__always)
  private func countSteps(_ count: Int) {
    #if DEBUG
      steps += count
    #endif
  }

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

  /// A longer queue gets larger chunks. A copy that would fill one alone gets storage of its own.
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
    forgetSent()
  }

  /// Removes sent and dropped segments from the array in bulk, so that one of them does not move all that wait behind
  /// it.
  private func forgetSent() {
    guard head >= 64, head * 2 >= segments.count else { return }
    countSteps(segments.count - head)
    segments.removeSubrange(0..<head)
    head = 0
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

  /// Replaces these segments by others; bytes that only the old ones held are gone from the queue. Returns the index of
  /// the segment behind them: every earlier index may mean another segment now.
  ///
  /// They are near the front, behind what the kernel is working on, and much may wait behind them. So the front moves,
  /// into the room of what was sent or dropped before. If that is too little, everything moves once and leaves room for
  /// many times.
  @discardableResult
  func replace(_ range: Range<Int>, with others: [Segment]) -> Int {
    let behind = segments.count - range.upperBound
    for index in range { bytes -= segments[index].count }
    for segment in others { bytes += segment.count }
    var range = range
    let more = others.count - range.count
    if more > head {
      let room = max(8, (segments.count - head) / 4) + more
      countSteps(segments.count + room)
      segments.insert(contentsOf: repeatElement(Segment(bytes: nil, start: 0, end: 0, boundary: 0), count: room), at: 0)
      head += room
      range = range.lowerBound + room..<range.upperBound + room
    }
    // In this direction no segment is overwritten before it has moved.
    let front = head..<range.lowerBound
    countSteps(front.count + others.count + range.count)
    if more > 0 {
      for index in front { segments[index - more] = segments[index] }
    } else if more < 0 {
      for index in front.reversed() { segments[index - more] = segments[index] }
    }
    for (offset, segment) in others.enumerated() { segments[range.upperBound - others.count + offset] = segment }
    // The segments that moved must not keep their storage through their old slots.
    for index in head..<max(head - more, head) {
      segments[index] = Segment(bytes: nil, start: 0, end: 0, boundary: 0)
    }
    head -= more
    forgetSent()
    return segments.count - behind
  }

  /// Makes an empty queue as good as new; the chunk goes back, if nobody refers to it any more.
  func reset(pool: BytesPool) {
    assert(isEmpty && inFlight == 0)
    segments.removeAll(keepingCapacity: segments.capacity <= 4)
    head = 0
    if isKnownUniquelyReferenced(&chunk), let last = chunk.take() { pool.give(last) }
    chunk = nil
  }
}
