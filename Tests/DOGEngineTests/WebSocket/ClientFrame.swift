/// Bytes of frames as a client would send them, right ones and wrong ones.
enum ClientFrame {
  static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

  /// `first` is the byte with FIN, the reserved bits and the opcode. `lengthBytes` forces a form of it: 0, 2, 8.
  static func bytes(
    first: UInt8, _ payload: [UInt8] = [], key: [UInt8] = key, isMasked: Bool = true, lengthBytes: Int? = nil
  ) -> [UInt8] {
    header(first: first, length: UInt64(payload.count), key: key, isMasked: isMasked, lengthBytes: lengthBytes)
      + payload.enumerated().map { isMasked ? $1 ^ key[$0 % 4] : $1 }
  }

  static func header(
    first: UInt8, length: UInt64, key: [UInt8] = key, isMasked: Bool = true, lengthBytes: Int? = nil
  ) -> [UInt8] {
    let mask: UInt8 = isMasked ? 0x80 : 0
    let count = lengthBytes ?? (length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8)
    let short = count == 0 ? UInt8(length) : count == 2 ? 126 : 127
    let long = (0..<count).map { UInt8(truncatingIfNeeded: length >> (8 * (count - 1 - $0))) }
    return [first, mask | short] + long + (isMasked ? key : [])
  }

  static func text(_ string: String) -> [UInt8] { bytes(first: 0x81, [UInt8](string.utf8)) }
  static func text(_ payload: [UInt8]) -> [UInt8] { bytes(first: 0x81, payload) }
  static func binary(_ payload: [UInt8]) -> [UInt8] { bytes(first: 0x82, payload) }
  static func ping(_ payload: [UInt8] = []) -> [UInt8] { bytes(first: 0x89, payload) }
  static func pong(_ payload: [UInt8] = []) -> [UInt8] { bytes(first: 0x8A, payload) }

  static func close(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
    bytes(first: 0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
  }

  /// A text message of one frame for each piece.
  static func fragments(_ pieces: [[UInt8]], first: UInt8 = 0x01) -> [UInt8] {
    pieces.indices.flatMap { index in
      let opcode = index == 0 ? first : 0x00
      return bytes(first: index == pieces.count - 1 ? opcode | 0x80 : opcode, pieces[index])
    }
  }
}
