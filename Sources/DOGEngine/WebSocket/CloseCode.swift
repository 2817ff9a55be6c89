/// RFC 6455, section 7.4: why a connection was closed.
struct CloseCode: RawRepresentable, Hashable, Sendable {
  let rawValue: UInt16

  init(rawValue: UInt16) { self.rawValue = rawValue }

  static var normal: CloseCode { CloseCode(rawValue: 1000) }
  static var goingAway: CloseCode { CloseCode(rawValue: 1001) }
  static var protocolError: CloseCode { CloseCode(rawValue: 1002) }
  /// Only reported, never on the wire: the peer's close frame had no code.
  static var noStatus: CloseCode { CloseCode(rawValue: 1005) }
  /// Only reported, never on the wire: the connection ended without a close frame.
  static var abnormal: CloseCode { CloseCode(rawValue: 1006) }
  static var invalidPayload: CloseCode { CloseCode(rawValue: 1007) }
  static var policyViolation: CloseCode { CloseCode(rawValue: 1008) }
  static var messageTooBig: CloseCode { CloseCode(rawValue: 1009) }
  static var internalError: CloseCode { CloseCode(rawValue: 1011) }
  static var tryAgainLater: CloseCode { CloseCode(rawValue: 1013) }

  /// Whether a close frame may carry it, in either direction: 1004 to 1006 and 1015 are reserved for reports, the rest
  /// below 3000 for the protocol's future, and nothing is defined below 1000 or from 5000.
  static func mayBeSent(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
