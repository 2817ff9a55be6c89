/// The header of a frame from a client (RFC 6455, section 5.2), with the rules for a frame by itself. Rules that depend
/// on earlier frames are in FrameParser.
struct FrameHeader {
  enum Decoded {
    case needMore
    case header(FrameHeader)
    /// Always 1002.
    case invalid(StaticString)
  }

  /// Two bytes, a 64-bit length and the key.
  static var sizeMax: Int { 14 }
  static var controlPayloadMax: Int { 125 }

  let opcode: Opcode
  let isFinal: Bool
  /// RSV1 (RFC 7692, section 6): this frame begins a compressed message.
  let isCompressed: Bool
  let maskingKey: MaskingKey
  /// Of the payload; never negative.
  let length: Int
  /// Of the header itself.
  let size: Int

  /// Reads the header at the start of `bytes`, which may be too few or more than that. Each rule is tested as soon as
  /// its bytes are there, so the outcome is the same however the bytes were split. `mayBeCompressed`:
  /// permessage-deflate was negotiated.
  static func decode(_ bytes: UnsafeRawBufferPointer, mayBeCompressed: Bool = false) -> Decoded {
    guard bytes.count >= 1 else { return .needMore }
    // > MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.
    // RFC 7692, section 6.1: on the first frame of a message alone; text and binary are 1 and 2.
    let reserved = bytes[0] & 0x70
    let isCompressed = reserved == 0x40 && mayBeCompressed && (1...2).contains(bytes[0] & 0x0F)
    guard reserved == 0 || isCompressed else { return .invalid("reserved bit set") }
    guard let opcode = Opcode(rawValue: bytes[0] & 0x0F) else { return .invalid("reserved opcode") }
    let isFinal = bytes[0] & 0x80 != 0
    guard isFinal || !opcode.isControl else { return .invalid("fragmented control frame") }

    guard bytes.count >= 2 else { return .needMore }
    guard bytes[1] & 0x80 != 0 else { return .invalid("frame not masked") }
    let shortLength = Int(bytes[1] & 0x7F)
    guard shortLength <= controlPayloadMax || !opcode.isControl else { return .invalid("control frame too long") }

    let length: Int
    let keyOffset: Int
    switch shortLength {
    case 126:
      guard bytes.count >= 4 else { return .needMore }
      length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      guard length > 125 else { return .invalid("length not minimal") }
      keyOffset = 4
    case 127:
      guard bytes.count >= 10 else { return .needMore }
      let wide = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
      guard let exact = Int(exactly: wide) else { return .invalid("length over 63 bits") }
      guard exact > 0xFFFF else { return .invalid("length not minimal") }
      length = exact
      keyOffset = 10
    default:
      length = shortLength
      keyOffset = 2
    }
    guard bytes.count >= keyOffset + 4 else { return .needMore }
    let key = MaskingKey(bytes.loadUnaligned(fromByteOffset: keyOffset, as: UInt32.self))
    return .header(
      FrameHeader(
        opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, maskingKey: key, length: length,
        size: keyOffset + 4))
  }
}
