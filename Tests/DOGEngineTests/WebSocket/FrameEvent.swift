@testable import DOGEngine

/// An event of the parser, with its bytes copied.
enum FrameEvent: Equatable, Sendable, CustomStringConvertible {
  case text([UInt8])
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?, [UInt8])
  case invalid(UInt16)

  static func text(_ string: String) -> FrameEvent { .text([UInt8](string.utf8)) }

  /// Nil for `.needMore`.
  init?(_ event: FrameParser.Event) {
    switch event {
    case .needMore: return nil
    case .message(.text, let bytes): self = .text([UInt8](bytes))
    case .message(.binary, let bytes): self = .binary([UInt8](bytes))
    case .ping(let bytes): self = .ping([UInt8](bytes))
    case .pong(let bytes): self = .pong([UInt8](bytes))
    case .close(let code, let reason): self = .close(code, [UInt8](reason))
    case .invalid(let code, _): self = .invalid(code.rawValue)
    }
  }

  var description: String {
    switch self {
    case .text(let bytes): "text(\(bytes.count): \(bytes.prefix(20)))"
    case .binary(let bytes): "binary(\(bytes.count): \(bytes.prefix(20)))"
    case .ping(let bytes): "ping(\(bytes))"
    case .pong(let bytes): "pong(\(bytes))"
    case .close(let code, let reason): "close(\(code.map(String.init) ?? "none"), \(reason))"
    case .invalid(let code): "invalid(\(code))"
    }
  }
}
