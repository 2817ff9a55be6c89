/// Holds the small messages of a turn until its end, when each peer's are written in one piece. It is one stretch of
/// memory for all outboxes of a worker. So a message to a peer that keeps up costs no chunk, no segment and no object.
///
/// Outboxes take their stretches one behind another and give them back. When all are given back, it begins again. An
/// outbox goes on in chunks of its own if the buffer is full, or if another's stretch lies behind its own. Lives on one
/// worker.
struct TurnBuffer {
  /// The part that one outbox has.
  struct Stretch {
    fileprivate(set) var start: UInt32 = 0
    fileprivate(set) var count: UInt32 = 0
  }

  static var bytesMax: Int { 128 << 10 }
  /// A longer message would leave too little room for others, and a chunk for it makes no difference to its copy.
  static var sizeMax: Int { 8 << 10 }

  /// Made for the first that wants some.
  private var base: UnsafeMutableRawPointer?
  /// All before it is taken, or was since nobody last had a stretch.
  private var end = 0
  /// How many have a stretch.
  private(set) var takers = 0

  /// Makes a stretch longer, or begins it. Nil: there is no room for that.
  @inline(__always)
  mutating func extend(_ stretch: inout Stretch, by size: Int) -> UnsafeMutableRawPointer? {
    guard size <= TurnBuffer.sizeMax, size <= TurnBuffer.bytesMax &- end else { return nil }
    if stretch.count == 0 {
      stretch.start = UInt32(truncatingIfNeeded: end)
      takers &+= 1
    } else if Int(stretch.start &+ stretch.count) != end {
      return nil
    }
    let room = (base ?? makeBase()) + end
    end &+= size
    stretch.count &+= UInt32(truncatingIfNeeded: size)
    return room
  }

  /// As long as it is not given back.
  @inline(__always)
  func bytes(of stretch: Stretch) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { $0 + Int(stretch.start) }, count: Int(stretch.count))
  }

  /// The bytes stay as they are until somebody else takes a stretch.
  @inline(__always)
  mutating func giveBack(_ stretch: inout Stretch) {
    guard stretch.count > 0 else { return }
    stretch.count = 0
    takers &-= 1
    if takers == 0 { end = 0 }
  }

  mutating func deallocate() {
    base?.deallocate()
    base = nil
  }

  @inline(never)
  private mutating func makeBase() -> UnsafeMutableRawPointer {
    let made = UnsafeMutableRawPointer.allocate(byteCount: TurnBuffer.bytesMax, alignment: 64)
    base = made
    return made
  }
}
