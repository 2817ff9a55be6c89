/// Reads where the WebSocket frames of a server end, and which of them are control frames.
///
/// Only the outbox's drop policies need frame boundaries: they drop whole messages and never a control frame. The
/// frames of a server are unmasked, and each of its messages is one frame (RFC 6455, section 5.2).
enum FrameWalk {
  struct Frame: Equatable {
    let size: Int
    let isControl: Bool
  }

  /// The frame that begins at `start`, of which `available` (1 or more) bytes are there. Bytes that are no whole frame
  /// count as one data frame that ends with them.
  static func frame(at start: UnsafeRawPointer, available: Int) -> Frame {
    let short = available >= 2 ? start.load(fromByteOffset: 1, as: UInt8.self) & 0x7f : 0
    let header = short < 126 ? 2 : short == 126 ? 4 : 10
    guard available >= header else { return Frame(size: available, isControl: false) }
    let payload: UInt64
    switch short {
    case 126: payload = UInt64(UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    case 127: payload = UInt64(bigEndian: start.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
    default: payload = UInt64(short)
    }
    guard payload <= UInt64(available - header) else { return Frame(size: available, isControl: false) }
    return Frame(size: header + Int(payload), isControl: start.load(as: UInt8.self) & 0x08 != 0)
  }

  /// The first offset at or after `point` at which a frame begins; at most `end`. A frame begins at `boundary`.
  static func boundary(in bytes: SharedBytes, from boundary: Int, reaching point: Int, end: Int) -> Int {
    var place = boundary
    while place < point { place += frame(at: bytes.base + place, available: end - place).size }
    return place
  }
}
