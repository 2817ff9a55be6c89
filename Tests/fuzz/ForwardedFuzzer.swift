@testable import DOGEngine

/// Lines: the option `trusted_proxies`, whom the connection is from, and X-Forwarded-For headers. The client is the
/// peer, or an address in the headers that has nobody but trusted ones to its right.
enum ForwardedFuzzer: Fuzzer {
  static let name = "forwarded"

  static var seeds: [[UInt8]] {
    [
      "10.0.0.0/8\n10.0.0.1\n192.0.2.1", "10.0.0.0/8, unix,::1\n10.0.0.1\n192.0.2.1, 10.0.0.2\n10.0.0.3",
      "::/0\n::1\nunknown, [2001:db8::1]:80", "0.0.0.0/0\n10.0.0.1\n1.2.3.4:5,, 6.7.8.9", "10.0.0.1\n10.0.0.2\n1.1.1.1",
      "::ffff:10.0.0.0/104\n10.0.0.1\n[::1], 1.2.3.4:99999", "300.1.1.1\n1.1.1.1\n", "10.0.0.0/33\n1.1.1.1\n",
    ].map { Array($0.utf8) }
  }

  static func run(_ input: [UInt8]) {
    let lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    guard lines.count >= 2, let trusted = try? TrustedProxies(String(decoding: lines[0], as: UTF8.self)),
      let peer = parse(lines[1])
    else { return }
    let values = lines.dropFirst(2).map { line in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: line.count, alignment: 1)
      copy.copyBytes(from: line)
      return copy
    }
    defer { for value in values { value.deallocate() } }
    let client = ForwardedFor.client(peer: peer, trusted: trusted, values: values.map { UnsafeRawBufferPointer($0) })
    let elements = lines.dropFirst(2).flatMap { $0.split(separator: 0x2C, omittingEmptySubsequences: false) }
    var wanted = peer
    for element in elements.reversed().prefix(ForwardedFor.hopsMax) {
      guard trusted.contains(wanted), let named = parse(Plain.trim(element)) else { break }
      wanted = named
    }
    expect(client == wanted, "\(client), where \(wanted) was wanted")
    if let ip = client.ip {
      expect(IPAddress(text: Array(ip.description.utf8)) == ip, "\(ip) is read as another address")
      expect(parse(Array(client.description.utf8)) == client, "\(client) is read as another")
    }
    expect(trusted.isEmpty || !trusted.networks.isEmpty || trusted.trustsUnix, "empty, and trusts somebody")
  }

  private static func parse(_ text: [UInt8]) -> ClientAddress? {
    text.withUnsafeBytes { ForwardedFor.parse($0) }
  }
}
