import Testing

@testable import DOGEngine

@Suite struct ForwardedForTests {
  private static func client(_ values: [String], peer: String = "10.0.0.1", trusted: String = "10.0.0.0/8, ::1, unix")
    throws -> String
  {
    let list = try TrustedProxies(trusted)
    let from: ClientAddress =
      peer == "unix" ? .unix : .ip(try #require(IPAddress(text: peer.utf8)), port: 9)
    let copies = values.map { UnsafeMutableRawBufferPointer.allocate(byteCount: $0.utf8.count, alignment: 1) }
    defer { for copy in copies { copy.deallocate() } }
    for (copy, value) in zip(copies, values) { copy.copyBytes(from: value.utf8) }
    return ForwardedFor.client(peer: from, trusted: list, values: copies.map { UnsafeRawBufferPointer($0) }).description
  }

  @Test(
    arguments: [
      ([], "10.0.0.1:9"),
      (["192.0.2.7"], "192.0.2.7"),
      (["192.0.2.7:5123"], "192.0.2.7:5123"),
      (["2001:db8::1"], "2001:db8::1"),
      (["[2001:db8::1]"], "2001:db8::1"),
      (["[2001:db8::1]:443"], "[2001:db8::1]:443"),
      (["::ffff:192.0.2.7"], "192.0.2.7"),
      // The first untrusted one from the right; what is left of it is anybody's invention.
      (["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
      (["6.6.6.6, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
      (["6.6.6.6,192.0.2.7 ,\t10.0.0.2,10.0.0.3"], "192.0.2.7"),
      // Several headers are one list.
      (["6.6.6.6", "192.0.2.7", "10.0.0.2, ::1"], "192.0.2.7"),
      (["192.0.2.7", "10.0.0.2"], "192.0.2.7"),
      // All are trusted: the first of them.
      (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
      // What is no address stops the walk.
      (["6.6.6.6, unknown"], "10.0.0.1:9"),
      (["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
      (["6.6.6.6, , 10.0.0.2"], "10.0.0.2"),
      (["6.6.6.6,"], "10.0.0.1:9"),
      ([""], "10.0.0.1:9"),
      (["6.6.6.6", ""], "10.0.0.1:9"),
      (["6.6.6.6, _hidden"], "10.0.0.1:9"),
      (["\"6.6.6.6\""], "10.0.0.1:9"),
      (["6.6.6.6:"], "10.0.0.1:9"),
      (["6.6.6.6:65536"], "10.0.0.1:9"),
      (["[6.6.6.6]"], "10.0.0.1:9"),
      (["[2001:db8::1"], "10.0.0.1:9"),
      (["[2001:db8::1]443"], "10.0.0.1:9"),
      (["[2001:db8::1]:"], "10.0.0.1:9"),
      (["2001:db8::1%eth0"], "10.0.0.1:9"),
      (["6.6.6.6 7.7.7.7"], "10.0.0.1:9"),
      (["[]"], "10.0.0.1:9"), (["["], "10.0.0.1:9"), (["]"], "10.0.0.1:9"), ([":"], "10.0.0.1:9"),
    ] as [([String], String)])
  func `who a request is from, by a trusted peer`(values: [String], expected: String) throws {
    #expect(try Self.client(values) == expected)
  }

  @Test func `a peer that is not trusted speaks for nobody`() throws {
    #expect(try Self.client(["192.0.2.7"], peer: "192.0.2.99") == "192.0.2.99:9")
    #expect(try Self.client(["192.0.2.7"], peer: "unix") == "192.0.2.7")
    #expect(try Self.client(["192.0.2.7"], peer: "unix", trusted: "10.0.0.1") == "unix:")
    #expect(try Self.client([], peer: "unix") == "unix:")
  }

  @Test func `E2: a chain of trusted proxies is followed so far and no further`() throws {
    let chain = ["6.6.6.6"] + (1...40).map { "10.0.1.\($0)" }
    #expect(try Self.client([chain.joined(separator: ", ")]) == "10.0.1.9")
    #expect(try Self.client([String(repeating: "1", count: 100_000)]) == "10.0.0.1:9")
    #expect(try Self.client([String(repeating: ",", count: 100_000)]) == "10.0.0.1:9")
  }

  @Test func `garbage names nobody who is not in it`() throws {
    var random = TestRandom(for: "ForwardedForTests")
    let pieces = ["10.0.0.2", "6.6.6.6", "[", "]", ":", ",", " ", "::1", "unknown", "80", "\t", "é", ".", "\u{0}"]
    for _ in 0..<5_000 {
      let values = (0..<random.below(3)).map { _ in
        (0..<random.below(9)).map { _ in pieces[random.below(pieces.count)] }.joined()
      }
      let named = try Self.client(values)
      #expect(
        ["10.0.0.1", "10.0.0.2", "6.6.6.6", "::1", "[::1]", "::", "::6"].contains { named.hasPrefix($0) }
          || named.contains(":"), "\(values) gave \(named)")
    }
  }
}
