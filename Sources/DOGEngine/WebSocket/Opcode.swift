/// RFC 6455, section 5.2: what a frame is for. The missing values are reserved.
enum Opcode: UInt8, Sendable {
  case continuation = 0x0
  case text = 0x1
  case binary = 0x2
  case close = 0x8
  case ping = 0x9
  case pong = 0xA

  init(_ kind: MessageKind) {
    switch kind {
    case .text: self = .text
    case .binary: self = .binary
    }
  }

  /// Control frames are short, never fragmented, and may come between the fragments of a message.
  var isControl: Bool { rawValue & 0x8 != 0 }
}
