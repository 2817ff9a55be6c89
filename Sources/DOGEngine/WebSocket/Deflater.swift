import CZlib

/// Compresses messages (RFC 7692, section 7.2.1), each by itself. On one worker.
final class Deflater {
  /// The size of the empty uncompressed block that ends a flush. A message leaves it out.
  static var tailCount: Int { 4 }

  /// zlib's state points back at it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>

  /// `windowBits` is 9 to 15, `level` 1 to 9. Nil: no memory.
  init?(windowBits: Int, level: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // The hash table is cleared before each message, so it should be no larger than suits the window. But zlib also
    // makes its blocks smaller with it, and blocks of few symbols would not pay for their code tables.
    let memoryLevel = min(windowBits - 5, 8)
    // If this fails, deinit runs too: deflateEnd accepts a stream that was never begun.
    guard czlib_deflate_init(stream, Int32(level), Int32(-windowBits), Int32(memoryLevel)) == Z_OK else { return nil }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Writes the compressed `message` without its tail at the start of `room`, and returns its size. Nil if `room` is
  /// not large enough for that, the tail and one more byte.
  func compress(_ message: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Int? {
    guard let source = message.baseAddress, let count = UInt32(exactly: message.count),
      let free = UInt32(exactly: room.count), deflateReset(stream) == Z_OK
    else { return nil }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = count
    stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = free
    let status = deflate(stream, Z_SYNC_FLUSH)
    // zlib says by room to spare that the flush is complete.
    let isWhole = status == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
    stream.pointee.next_in = nil
    stream.pointee.next_out = nil
    return isWhole ? Int(free - stream.pointee.avail_out) - Deflater.tailCount : nil
  }
}

/// The deflaters of one worker, each made when it is first needed, and the buffer that they write to.
final class DeflaterPool {
  private static var roomBytesMax: Int { 64 << 10 }

  private struct Key: Hashable {
    let windowBits: Int
    let level: Int
  }

  private var deflaters: [Key: Deflater] = [:]
  private var room: UnsafeMutableRawBufferPointer
  private(set) var budget: DeflateBudget

  /// Nothing is made before it is needed.
  init(_ budget: DeflateBudget) {
    room = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    self.budget = budget
  }

  deinit { room.deallocate() }

  /// A turn of the worker is over.
  func endTurn() { budget.renew() }

  /// The compressed message, good until the next call. Nil: the message is to be sent plain, because it is too short,
  /// does not shrink, costs more than this turn has left, or there is no memory.
  func compress(
    _ message: UnsafeRawBufferPointer, windowBits: Int, _ settings: DeflateSettings
  ) -> UnsafeRawBufferPointer? {
    guard windowBits > 0, message.count >= settings.bytesMin, message.count > 1 else { return nil }
    guard budget.spend(message.count, level: settings.level) else { return nil }
    let key = Key(windowBits: windowBits, level: settings.level)
    guard let deflater = deflaters[key] ?? Deflater(windowBits: windowBits, level: settings.level) else { return nil }
    deflaters[key] = deflater
    // With its tail and the spare byte, a result that fits is shorter than the message.
    let needed = message.count + Deflater.tailCount
    if room.count < needed || (room.count > DeflaterPool.roomBytesMax && needed <= DeflaterPool.roomBytesMax) {
      room.deallocate()
      room = .allocate(byteCount: max(needed, 4096), alignment: 16)
    }
    let fitting = UnsafeMutableRawBufferPointer(rebasing: room[..<needed])
    return deflater.compress(message, into: fitting).map { UnsafeRawBufferPointer(rebasing: room[..<$0]) }
  }
}
