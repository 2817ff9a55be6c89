import Testing

@testable import DOGEngine

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
    ("::1", "::1"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ("0:0:0:0:0:ffff:c000:201", "192.0.2.1"), ("fe80::1:2:3:4", "fe80::1:2:3:4"),
    ("1111:2222:3333:4444:5555:6666:255.255.255.255", "1111:2222:3333:4444:5555:6666:ffff:ffff"),
  ])
  func `an address is read and written`(text: String, written: String) {
    #expect(IPAddress(text: text.utf8)?.description == written)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\0", "0x7f.0.0.1",
    "+1.2.3.4",
    "1.2.3.-4", ":", ":::", "1::2::3", "12345::", "fe80::1%eth0", "[::1]", "::1/64", "localhost", "1.2.3.4:80", "é",
    "1111:2222:3333:4444:5555:6666:255.255.255.2555",
  ])
  func `what is around or not quite an address is none`(text: String) { #expect(IPAddress(text: text.utf8) == nil) }

  @Test func `bytes of the network are an address, four or sixteen of them`() {
    let sixteen: [UInt8] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
    for count in 0...20 {
      let bytes = Array((sixteen + [0, 0, 0, 0]).prefix(count))
      let text = bytes.withUnsafeBytes { IPAddress(bytes: $0)?.description }
      #expect(text == (count == 4 ? "32.1.13.184" : count == 16 ? "2001:db8::9" : nil))
    }
  }

  @Test(
    arguments: [
      ("0", 0), ("1", 1), ("80", 80), ("65535", 65_535), ("65536", nil), ("99999", nil), ("", nil), ("08", nil),
      ("00", nil),
      ("-1", nil), ("+1", nil), ("8 ", nil), ("100000", nil), ("٣", nil),
    ] as [(String, UInt16?)])
  func `a port is digits`(text: String, port: UInt16?) { #expect(PortNumber.parse(text.utf8) == port) }

  @Test func `a client is written with its port where that is known`() throws {
    let v4 = try #require(IPAddress(text: "192.0.2.1".utf8))
    let v6 = try #require(IPAddress(text: "2001:db8::1".utf8))
    let clients: [ClientAddress] = [
      .ip(v4, port: 7), .ip(v4, port: nil), .ip(v6, port: 0), .ip(v6, port: nil), .unix, .unknown,
    ]
    #expect(clients.map(\.description) == ["192.0.2.1:7", "192.0.2.1", "[2001:db8::1]:0", "2001:db8::1", "unix:", ""])
  }

  @Test(arguments: ["127.0.0.1", "10.1.2.3", "::1", "2001:db8::7"])
  func `a socket's address is the same one`(host: String) throws {
    let address = try #require(SocketAddress(host: host, port: 4711))
    #expect(address.client == .ip(try #require(IPAddress(text: host.utf8)), port: 4711))
    #expect(address.client.description == address.description)
  }
}
