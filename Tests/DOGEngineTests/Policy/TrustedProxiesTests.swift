import Testing

@testable import DOGEngine

@Suite struct TrustedProxiesTests {
  static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text: text.utf8)) }

  struct Case: Sendable, CustomTestStringConvertible {
    let list: String
    let inside: [String]
    let outside: [String]
    var testDescription: String { list }
  }

  static let cases: [Case] = [
    Case(list: "", inside: [], outside: ["127.0.0.1", "::1"]),
    Case(list: " \t ", inside: [], outside: ["127.0.0.1"]),
    Case(list: "127.0.0.1", inside: ["127.0.0.1", "::ffff:127.0.0.1"], outside: ["127.0.0.2", "::1", "::127.0.0.1"]),
    Case(
      list: "10.0.0.0/8", inside: ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], outside: ["9.9.9.9", "11.0.0.0"]),
    Case(list: "10.9.9.9/8", inside: ["10.0.0.1"], outside: ["11.0.0.1"]),
    Case(list: "192.0.2.128/25", inside: ["192.0.2.128", "192.0.2.255"], outside: ["192.0.2.127"]),
    Case(list: "192.0.2.1/32", inside: ["192.0.2.1"], outside: ["192.0.2.0"]),
    Case(list: "0.0.0.0/0", inside: ["1.2.3.4", "::ffff:1.2.3.4"], outside: ["::1", "2001:db8::1"]),
    Case(list: "::/0", inside: ["::1", "2001:db8::1"], outside: ["1.2.3.4", "::ffff:1.2.3.4"]),
    Case(list: "::ffff:10.0.0.0/104", inside: ["10.3.4.5"], outside: ["11.3.4.5"]),
    Case(list: "::ffff:0:0/96", inside: ["10.3.4.5"], outside: ["::1"]),
    Case(list: "2001:db8::/32", inside: ["2001:db8:ffff::1"], outside: ["2001:db9::"]),
    Case(list: "2001:db8::/64", inside: ["2001:db8::ffff:0:0:1"], outside: ["2001:db8:0:1::"]),
    Case(list: "2001:db8::/65", inside: ["2001:db8::7fff:0:0:1"], outside: ["2001:db8::8000:0:0:1"]),
    Case(list: "fe80::1/128", inside: ["fe80::1"], outside: ["fe80::2"]),
    Case(list: " 10.0.0.1 ,\tunix , ::1", inside: ["10.0.0.1", "::1"], outside: ["10.0.0.2"]),
  ]

  @Test(arguments: cases)
  func `who is in the list and who is not`(test: Case) throws {
    let trusted = try TrustedProxies(test.list)
    for text in test.inside { #expect(trusted.contains(try Self.address(text)), "\(text)") }
    for text in test.outside { #expect(!trusted.contains(try Self.address(text)), "\(text)") }
    #expect(trusted.contains(ClientAddress.unix) == test.list.contains("unix"))
    #expect(!trusted.contains(ClientAddress.unknown))
  }

  @Test(arguments: [
    (",", ""), ("127.0.0.1,", ""), ("127.0.0.1,,::1", ""), ("localhost", "localhost"), ("10.0.0.0/33", "10.0.0.0/33"),
    ("::1, 10.0.0.0/", "10.0.0.0/"), ("10.0.0.0/8/8", "10.0.0.0/8/8"), ("10.0.0.0/-1", "10.0.0.0/-1"),
    ("10.0.0.0/08", "10.0.0.0/08"), ("::/129", "::/129"), ("::/0128", "::/0128"), ("Unix", "Unix"),
    ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::1]", "[::1]"), ("10.*", "10.*"),
    ("/8", "/8"), ("::ffff:10.0.0.0/129", "::ffff:10.0.0.0/129"),
  ])
  func `an entry that is none is named`(list: String, entry: String) {
    #expect(throws: TrustedProxies.InvalidEntry(text: entry)) { try TrustedProxies(list) }
  }

  @Test func `a network holds what has its first bits, for every length`() {
    var random = TestRandom(for: "TrustedProxiesTests")
    for _ in 0..<20_000 {
      let bits = random.below(129)
      let address = IPAddress(high: random.next(), low: random.next())
      let network = TrustedProxies.Network(address: address, bits: bits)
      // One bit of the other is not that of the network.
      let flipped = random.below(128)
      let other = IPAddress(
        high: address.high ^ (flipped < 64 ? 1 << UInt64(63 - flipped) : 0),
        low: address.low ^ (flipped < 64 ? 0 : 1 << UInt64(127 - flipped)))
      #expect(network.contains(address))
      #expect(network.contains(other) == (flipped >= bits))
    }
  }
}
