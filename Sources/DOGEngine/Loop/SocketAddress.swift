import CUV
import Glibc

/// A numeric IPv4 or IPv6 address with a port.
struct SocketAddress: Sendable, CustomStringConvertible {
  /// Large enough for either family, and a quarter of a `sockaddr_storage`: each connection has one.
  private var storage: sockaddr_in6

  init(_ storage: sockaddr_storage) {
    self.storage = withUnsafeBytes(of: storage) { $0.loadUnaligned(as: sockaddr_in6.self) }
  }

  /// Nil unless `host` is a numeric address.
  init?(host: String, port: UInt16) {
    storage = sockaddr_in6()
    let parsed = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { uv_ip4_addr(host, Int32(port), $0) == 0 }
        || storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { uv_ip6_addr(host, Int32(port), $0) == 0 }
    }
    guard parsed else { return nil }
  }

  var family: Int32 { Int32(storage.sin6_family) }

  var port: UInt16 {
    withUnsafeBytes(of: storage) { bytes in
      // Both address families keep the port, big-endian, right behind the family.
      UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
  }

  var client: ClientAddress {
    let address = withUnsafeBytes(of: storage) { bytes in
      // Where sockaddr_in and sockaddr_in6 keep the address.
      IPAddress(bytes: UnsafeRawBufferPointer(rebasing: family == AF_INET6 ? bytes[8..<24] : bytes[4..<8]))
    }
    return address.map { .ip($0, port: port) } ?? .unknown
  }

  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    let length = family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    return withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }

  var description: String {
    var text = [CChar](repeating: 0, count: 64)
    let known = withSockaddr { address, _ in uv_ip_name(address, &text, text.count) == 0 }
    guard known else { return "" }
    let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
