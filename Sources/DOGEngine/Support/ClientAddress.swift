/// Where a connection or a request comes from, as far as that is known.
enum ClientAddress: Hashable, Sendable {
  /// The port is nil if it was not told with the address.
  case ip(IPAddress, port: UInt16?)
  /// A peer on a Unix-domain socket.
  case unix
  /// The kernel no longer knows.
  case unknown

  var ip: IPAddress? {
    if case .ip(let address, _) = self { address } else { nil }
  }
}

extension ClientAddress: CustomStringConvertible {
  /// "192.0.2.1:51234", "[2001:db8::1]:51234", without a port "192.0.2.1" and "2001:db8::1"; "unix:"; else empty.
  var description: String {
    switch self {
    case .ip(let address, let port?): address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    case .ip(let address, nil): "\(address)"
    case .unix: "unix:"
    case .unknown: ""
    }
  }
}

/// A port in decimal digits.
enum PortNumber {
  /// Nil unless it is 0 to 65,535 with no sign, no space and no leading zero.
  static func parse(_ text: some Collection<UInt8>) -> UInt16? {
    guard (1...5).contains(text.count), text.allSatisfy(ASCII.isDigit),
      text.count == 1 || text.first != UInt8(ascii: "0")
    else { return nil }
    return UInt16(exactly: text.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
  }
}
