import Glibc
import Testing

@testable import DOGEngine

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1", UInt16(80), "127.0.0.1:80"), ("0.0.0.0", 0, "0.0.0.0:0"),
    ("255.255.255.255", 65_535, "255.255.255.255:65535"),
    ("::1", 8080, "[::1]:8080"), ("::", 1, "[::]:1"), ("2001:DB8::0:1", 256, "[2001:db8::1]:256"),
    ("::ffff:1.2.3.4", 255, "[::ffff:1.2.3.4]:255"),
  ])
  func `a numeric address is read, and written as it is shown`(host: String, port: UInt16, text: String) {
    let address = SocketAddress(host: host, port: port)
    #expect(address?.description == text)
    #expect(address?.port == port)
    #expect(address?.family == (host.contains(":") ? AF_INET6 : AF_INET))
  }

  @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", "[::1]", ":::", "127.0.0.1:80"])
  func `anything else is no address`(host: String) { #expect(SocketAddress(host: host, port: 1) == nil) }
}
