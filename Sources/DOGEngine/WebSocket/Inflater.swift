import CZlib

/// Inflates messages (RFC 7692, section 7.2.2), piece by piece: compressed bytes in, as many plain ones out as there is
/// room for. On one worker.
final class Inflater {
  enum Step: Equatable {
    /// So many bytes were written. Fewer than there was room for: the input gives no more.
    case inflated(Int)
    case invalid
    case noMemory
  }

  /// What the sender took off the end of the message: an empty block without compression.
  private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

  /// zlib's state points back at it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  /// False: there was no memory.
  fileprivate let isReady: Bool
  private(set) var windowBits: Int
  /// True until the message has brought a byte.
  private var isUntouched = true
  /// True if what came last ended a block that is marked as the final one.
  private var isPastFinal = false

  /// zlib takes its memory as it needs it: the window only when a message comes in pieces.
  init(windowBits: Int) {
    self.windowBits = windowBits
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // Negative: no zlib header around it.
    isReady = czlib_inflate_init(stream, Int32(-windowBits)) == Z_OK
  }

  /// What zlib says that it takes: the window and its state.
  var bytesHeld: Int { 1 << windowBits + 7_400 }

  deinit {
    if isReady { inflateEnd(stream) }
    stream.deallocate()
  }

  /// The next message. `keepsContext`: it may refer to the bytes of those before it.
  func begin(keepsContext: Bool) {
    isUntouched = true
    isPastFinal = false
    if isReady && !keepsContext { inflateReset(stream) }
  }

  /// Makes it as new, for a client with this window.
  func reset(windowBits: Int) {
    if isReady && windowBits != self.windowBits { inflateReset2(stream, Int32(-windowBits)) }
    self.windowBits = windowBits
  }

  /// Inflates from the front of `input` until `room`, which is not empty, is full or the input is used up.
  func inflate(_ input: inout UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Step {
    guard isReady else { return .noMemory }
    if !input.isEmpty { isUntouched = false }
    var written = 0
    while written < room.count {
      let status = run(&input, room, &written)
      switch status {
      case Z_OK: if input.isEmpty && written < room.count { return .inflated(written) }
      // zlib has no input and keeps nothing back.
      case Z_BUF_ERROR: return .inflated(written)
      case Z_STREAM_END:
        // > [...] DEFLATE blocks with the "BFINAL" bit set to 1 [...] (section 7.2.3.4). More blocks may follow, from
        // the next whole byte on; what they refer to stays.
        isPastFinal = true
        inflateResetKeep(stream)
        if input.isEmpty { return .inflated(written) }
      case Z_MEM_ERROR: return .noMemory
      default: return .invalid
      }
    }
    return .inflated(written)
  }

  /// When all of the message was given, `inflate` with this as its input gives the rest. Empty if the message ends by
  /// itself: it had no bytes, or its last block is marked as the final one, as a sender that cannot flush may do.
  var end: [UInt8] { isUntouched || isPastFinal ? [] : Inflater.tail }

  /// True if all that came, with `end`, makes up whole blocks.
  var isComplete: Bool {
    // zlib says where it stands: 128 for "between blocks", and below that how many bits of the last byte are unused.
    isUntouched || isPastFinal || (isReady && stream.pointee.data_type & 0xBF == 0x80)
  }

  private func run(
    _ input: inout UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer, _ written: inout Int
  ) -> Int32 {
    let given = UInt32(clamping: input.count)
    let free = UInt32(clamping: room.count - written)
    let source = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: source)
    stream.pointee.avail_in = given
    stream.pointee.next_out = room.baseAddress.map { ($0 + written).assumingMemoryBound(to: UInt8.self) }
    stream.pointee.avail_out = free
    if given > 0 { isPastFinal = false }
    let status = CZlib.inflate(stream, Z_SYNC_FLUSH)
    written += Int(free - stream.pointee.avail_out)
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst(Int(given - stream.pointee.avail_in)))
    stream.pointee.next_in = nil
    stream.pointee.next_out = nil
    return status
  }
}

/// The inflaters of one worker. A socket borrows one while a compressed message of it is incomplete, so that an idle
/// one owns nothing.
final class InflaterPool {
  private static var sparesMax: Int { 4 }

  private var spares: ContiguousArray<Inflater> = []

  func take(windowBits: Int) -> Inflater {
    guard let spare = spares.popLast() else { return Inflater(windowBits: windowBits) }
    spare.reset(windowBits: windowBits)
    return spare
  }

  func give(_ inflater: Inflater) {
    if inflater.isReady && spares.count < InflaterPool.sparesMax { spares.append(inflater) }
  }
}

/// How the messages of one client are inflated: what it agreed to.
final class Inflation {
  private let pool: InflaterPool
  private let windowBits: Int
  private let keepsContext: Bool
  /// With context takeover the client's own inflater, from its first compressed message on.
  private var own: Inflater?

  init(pool: InflaterPool, windowBits: Int, keepsContext: Bool) {
    self.pool = pool
    // A client whose zlib knows no window of 8 bits uses one of 9.
    self.windowBits = max(windowBits, 9)
    self.keepsContext = keepsContext
  }

  /// For the next message.
  func take() -> Inflater {
    let inflater = own ?? (keepsContext ? Inflater(windowBits: windowBits) : pool.take(windowBits: windowBits))
    if keepsContext { own = inflater }
    inflater.begin(keepsContext: keepsContext)
    return inflater
  }

  /// The message is over, or will never be.
  func give(_ inflater: Inflater) {
    if !keepsContext { pool.give(inflater) }
  }
}
