import Glibc

/// An IPv4 or IPv6 address in 128 bits. An IPv4 address is kept as the IPv6 address that it maps to (RFC 4291, section
/// 2.5.5.2). So both spellings of one address are equal, as a list of trusted addresses needs it.
struct IPAddress: Hashable, Sendable {
  /// In the order of the network: the first eight bytes, and the last.
  let high: UInt64
  let low: UInt64

  private static let mapped: UInt64 = 0xffff << 32
  /// The longest text that can be an address.
  static let textBytesMax = 45

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(v4 bits: UInt32) { self.init(high: 0, low: IPAddress.mapped | UInt64(bits)) }

  /// Four bytes or sixteen in the order of the network; nil for any other number.
  init?(bytes: UnsafeRawBufferPointer) {
    switch bytes.count {
    case 4: self.init(v4: UInt32(truncatingIfNeeded: IPAddress.number(bytes)))
    case 16:
      self.init(
        high: IPAddress.number(UnsafeRawBufferPointer(rebasing: bytes[..<8])),
        low: IPAddress.number(UnsafeRawBufferPointer(rebasing: bytes[8...])))
    default: return nil
    }
  }

  /// "192.0.2.1" or "2001:db8::1", and nothing around it: no zone, no brackets, no leading zeros in IPv4.
  init?(text: some Collection<UInt8>) {
    guard (2...IPAddress.textBytesMax).contains(text.count), !text.contains(0) else { return nil }
    let terminated = [UInt8](text) + [0]
    let isV6 = text.contains(UInt8(ascii: ":"))
    var bytes: (UInt64, UInt64) = (0, 0)
    let parsed = withUnsafeMutableBytes(of: &bytes) { bytes in
      terminated.withUnsafeBytes {
        inet_pton(isV6 ? AF_INET6 : AF_INET, $0.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.baseAddress)
      }
    }
    guard parsed == 1 else { return nil }
    if isV6 {
      self.init(high: UInt64(bigEndian: bytes.0), low: UInt64(bigEndian: bytes.1))
    } else {
      self.init(v4: UInt32(truncatingIfNeeded: UInt64(bigEndian: bytes.0) >> 32))
    }
  }

  var isV4: Bool { high == 0 && low >> 32 == 0xffff }

  private static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

extension IPAddress: CustomStringConvertible {
  var description: String {
    var bytes = (high.bigEndian, low.bigEndian)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let isV4 = self.isV4
    let known = withUnsafeBytes(of: &bytes) {
      inet_ntop(isV4 ? AF_INET : AF_INET6, $0.baseAddress.map { $0 + (isV4 ? 12 : 0) }, &text, socklen_t(text.count))
    }
    guard known != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
