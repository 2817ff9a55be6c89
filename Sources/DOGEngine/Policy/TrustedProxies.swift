/// The proxies that may say which client a connection or a request is from: the option `trusted_proxies`, parsed.
struct TrustedProxies: Equatable, Sendable {
  /// An address and how many of its first bits count.
  struct Network: Equatable, Sendable {
    let address: IPAddress
    let bits: Int

    /// An IPv6 network holds no IPv4 address: "::/0" is not everybody. Only a network within the addresses that IPv4
    /// maps to (::ffff:0:0/96) does.
    func contains(_ other: IPAddress) -> Bool {
      if other.isV4, bits < 96 { return false }
      let highMask = bits >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(bits))
      let lowMask = bits <= 64 ? 0 : bits >= 128 ? UInt64.max : ~(UInt64.max >> UInt64(bits - 64))
      return (address.high ^ other.high) & highMask == 0 && (address.low ^ other.low) & lowMask == 0
    }
  }

  /// An entry that is no address, no network and not "unix".
  struct InvalidEntry: Error, Equatable { let text: String }

  private(set) var networks: [Network] = []
  /// Whether every peer on a Unix-domain socket is trusted.
  private(set) var trustsUnix = false

  init() {}

  /// A list, with commas, of addresses, networks ("10.0.0.0/8": bits past the eighth do not count) and "unix". White
  /// space around an entry is ignored. An empty list trusts nobody.
  init(_ list: String) throws(InvalidEntry) {
    guard list.utf8.contains(where: { !ASCII.isBlank($0) }) else { return }
    for entry in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let entry = ASCII.trimmed(entry)
      if entry.elementsEqual("unix".utf8) {
        trustsUnix = true
      } else if let network = Network(entry) {
        networks.append(network)
      } else {
        throw InvalidEntry(text: String(Substring(entry)))
      }
    }
  }

  var isEmpty: Bool { networks.isEmpty && !trustsUnix }

  func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

  func contains(_ client: ClientAddress) -> Bool {
    switch client {
    case .ip(let address, _): contains(address)
    case .unix: trustsUnix
    case .unknown: false
    }
  }
}

extension TrustedProxies.Network {
  /// "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"
  init?(_ text: Substring.UTF8View) {
    let slash = text.firstIndex(of: UInt8(ascii: "/"))
    guard let address = IPAddress(text: text[..<(slash ?? text.endIndex)]) else { return nil }
    // The notation decides where the bits are counted from: "::ffff:10.0.0.0/104" is "10.0.0.0/8".
    let isWrittenAsV4 = !text.contains(UInt8(ascii: ":"))
    var bits = 128
    if let slash {
      let digits = text[text.index(after: slash)...]
      guard digits.count <= 3, let count = PortNumber.parse(digits), count <= (isWrittenAsV4 ? 32 : 128) else {
        return nil
      }
      bits = Int(count) + (isWrittenAsV4 ? 96 : 0)
    }
    self.init(address: address, bits: bits)
  }
}
