/// What happens to messages for a peer that does not keep up (rule S8). Only for an outbox that holds whole frames.
///
/// Whole data frames are dropped; each is a message. Three things are never dropped, even past the limit: control
/// frames, what is in flight, and the rest of a frame of which the kernel has taken a part. A caller that closes
/// instead compares `bytes` itself.
extension Outbox {
  /// Drop oldest: drops whole data frames from the front until `incoming` more bytes are within `limit`, or none is
  /// left. Drops none when that cannot be enough. Returns how many.
  mutating func makeRoom(for incoming: Int, limit: Int) -> Int {
    guard incoming <= limit - (live?.inFlight ?? 0) else { return 0 }
    return dropOldest(excess: incoming - (limit - bytes))
  }

  /// Queues a stretch, dropping the oldest of what is queued and then of the stretch itself until the rest is within
  /// `limit`. Returns how many messages were dropped. `written` as in `queue`.
  mutating func queueDroppingOldest(_ shared: SharedBytes, _ range: Range<Int>, limit: Int, written: Int = 0) -> Int {
    if range.count - written <= limit - bytes {
      queue(shared, range, written: written)
      return 0
    }
    var start = queueBegun(shared, range, written: written)
    var dropped = dropOldest(excess: range.upperBound - start - (limit - bytes))
    dropped += dropFirst(of: shared, &start, range.upperBound, room: limit - bytes)
    queue(shared, start..<range.upperBound)
    return dropped
  }

  /// Drop newest: queues those frames of a stretch that `limit` has room for. Returns how many messages were dropped.
  mutating func queueDroppingNewest(_ shared: SharedBytes, _ range: Range<Int>, limit: Int, written: Int = 0) -> Int {
    if range.count - written <= limit - bytes {
      queue(shared, range, written: written)
      return 0
    }
    var dropped = 0
    var start = queueBegun(shared, range, written: written)
    // From `start` to `place` lie frames that are to be queued.
    var place = start
    while place < range.upperBound {
      let frame = FrameWalk.frame(at: shared.base + place, available: range.upperBound - place)
      if frame.isControl || frame.size <= limit - bytes - (place - start) {
        place += frame.size
      } else {
        queue(shared, start..<place)
        dropped += 1
        place += frame.size
        start = place
      }
    }
    queue(shared, start..<place)
    return dropped
  }

  private mutating func dropOldest(excess: Int) -> Int {
    guard excess > 0 else { return 0 }
    settle()
    guard let live else { return 0 }
    let dropped = live.dropOldest(bytes: excess, pool: pool)
    releaseIfEmpty()
    return dropped
  }

  /// Queues the rest of the frame that the kernel took a part of, whatever the limit. Returns where the whole ones
  /// begin.
  private mutating func queueBegun(_ shared: SharedBytes, _ range: Range<Int>, written: Int) -> Int {
    let point = range.lowerBound + written
    let start = FrameWalk.boundary(in: shared, from: range.lowerBound, reaching: point, end: range.upperBound)
    if start > point { queue(shared, range.lowerBound..<start, written: written) }
    return start
  }

  /// Moves `start` past as many frames as it takes for the rest to fit into `room`; control frames among them are
  /// queued.
  private mutating func dropFirst(of shared: SharedBytes, _ start: inout Int, _ end: Int, room: Int) -> Int {
    var dropped = 0
    var excess = end - start - room
    while excess > 0, start < end {
      let frame = FrameWalk.frame(at: shared.base + start, available: end - start)
      if frame.isControl {
        queue(shared, start..<start + frame.size)
      } else {
        dropped += 1
        excess -= frame.size
      }
      start += frame.size
    }
    return dropped
  }
}

extension SegmentQueue {
  /// Drops at least `excess` bytes of whole data frames from the front, or all there are. Returns how many frames.
  fileprivate func dropOldest(bytes excess: Int, pool: BytesPool) -> Int {
    let first = splitAfterPinned()
    var left = excess
    var dropped = 0
    // Control frames that were passed over. They are copied together, so that a few bytes do not hold the storage they
    // lay in.
    var kept: SharedBytes?
    var index = first
    var rest: Segment?
    while left > 0, index < segments.count {
      var segment = segments[index]
      guard let bytes = segment.bytes else { break }
      while left > 0, segment.start < segment.end {
        let frame = FrameWalk.frame(at: bytes.base + segment.start, available: segment.count)
        if frame.isControl {
          let target = kept ?? pool.take(atLeast: 512)
          target.append(UnsafeRawBufferPointer(start: bytes.base + segment.start, count: frame.size))
          kept = target
        } else {
          dropped += 1
          left -= frame.size
        }
        segment.start += frame.size
      }
      segment.boundary = segment.start
      rest = segment.count > 0 ? segment : nil
      index += 1
    }
    var others: [Segment] = []
    if let kept { others.append(Segment(bytes: kept, start: 0, end: kept.count, boundary: 0)) }
    if let rest { others.append(rest) }
    replace(first..<index, with: others)
    return dropped
  }

  /// The index of the first segment of which every data frame may be dropped. Cuts a segment in two if that begins
  /// inside it.
  private func splitAfterPinned() -> Int {
    var pinned = inFlight
    var index = head
    while index < segments.count, pinned >= segments[index].count {
      pinned -= segments[index].count
      index += 1
    }
    guard index < segments.count, let bytes = segments[index].bytes else { return index }
    let segment = segments[index]
    let cut = FrameWalk.boundary(
      in: bytes, from: segment.boundary, reaching: segment.start + pinned, end: segment.end)
    if cut == segment.start { return index }
    if cut == segment.end { return index + 1 }
    let behind = replace(
      index..<index + 1,
      with: [
        Segment(bytes: bytes, start: segment.start, end: cut, boundary: cut),
        Segment(bytes: bytes, start: cut, end: segment.end, boundary: cut),
      ])
    return behind - 1
  }
}
