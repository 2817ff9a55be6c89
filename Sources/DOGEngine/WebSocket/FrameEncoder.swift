/// Writes the frames of a server (RFC 6455, section 5.2): never masked, never fragmented. The caller provides the
/// memory, and the same bytes serve every receiver.
enum FrameEncoder {
  /// The longest reason that fits into a close frame beside its code.
  static var closeReasonMax: Int { FrameHeader.controlPayloadMax - 2 }

  static func headerSize(payload: Int) -> Int { payload <= 125 ? 2 : payload <= 0xFFFF ? 4 : 10 }

  static func frameSize(payload: Int) -> Int { headerSize(payload: payload) + payload }

  /// Writes a whole final frame at `destination`, which has room for `frameSize(payload:)`. `isCompressed`: the payload
  /// is what permessage-deflate made of a message.
  @inline(__always)
  static func write(
    opcode: Opcode, isCompressed: Bool = false, payload: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer
  ) {
    let headerSize = writeHeader(opcode: opcode, length: payload.count, to: destination)
    if isCompressed { destination.storeBytes(of: 0xC0 | opcode.rawValue, as: UInt8.self) }
    guard let source = payload.baseAddress else { return }
    (destination + headerSize).copyMemory(from: source, byteCount: payload.count)
  }

  /// `code` 0 is none; there is no reason without a code.
  static func closeSize(code: UInt16, reasonCount: Int) -> Int { code == 0 ? 2 : 4 + reasonCount }

  /// Writes a close frame at `destination`, which has room for `closeSize(code:reasonCount:)`.
  static func writeClose(code: UInt16, reason: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
    precondition(reason.count <= closeReasonMax, "a reason of \(reason.count) bytes does not fit a close frame")
    guard code != 0 else {
      _ = writeHeader(opcode: .close, length: 0, to: destination)
      return
    }
    _ = writeHeader(opcode: .close, length: 2 + reason.count, to: destination)
    destination.storeBytes(of: code.bigEndian, toByteOffset: 2, as: UInt16.self)
    guard let source = reason.baseAddress else { return }
    (destination + 4).copyMemory(from: source, byteCount: reason.count)
  }

  /// Kind and payload of a whole uncompressed frame that `write` made.
  static func message(of frame: UnsafeRawBufferPointer) -> (kind: MessageKind, payload: UnsafeRawBufferPointer) {
    let header = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10
    return (
      frame[0] == 0x80 | Opcode.text.rawValue ? .text : .binary, UnsafeRawBufferPointer(rebasing: frame[header...])
    )
  }

  /// Returns the size of the header.
  @inline(__always)
  private static func writeHeader(opcode: Opcode, length: Int, to destination: UnsafeMutableRawPointer) -> Int {
    destination.storeBytes(of: 0x80 | opcode.rawValue, as: UInt8.self)
    if length <= 125 {
      destination.storeBytes(of: UInt8(truncatingIfNeeded: length), toByteOffset: 1, as: UInt8.self)
      return 2
    }
    if length <= 0xFFFF {
      destination.storeBytes(of: 126, toByteOffset: 1, as: UInt8.self)
      destination.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt16.self)
      return 4
    }
    destination.storeBytes(of: 127, toByteOffset: 1, as: UInt8.self)
    destination.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
    return 10
  }
}
