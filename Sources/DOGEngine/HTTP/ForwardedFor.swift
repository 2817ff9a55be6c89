/// Which client a request is from, by its X-Forwarded-For headers. Each proxy adds at the right the address that it was
/// asked by. So what stands to the left of the first untrusted address may be invented.
struct ForwardedFor: Sendable {
  /// How many proxies in a row are believed; no real chain is longer.
  static let hopsMax = 32

  /// The peer of the connection: only one of `trusted` is believed.
  let peer: ClientAddress
  let trusted: TrustedProxies

  init(peer: ClientAddress, trusted: TrustedProxies) {
    self.peer = peer
    self.trusted = trusted
  }

  /// The client that this request is from.
  func client(of head: borrowing RequestHead) -> ClientAddress {
    var values: [UnsafeRawBufferPointer] = []
    for index in 0..<head.headerCount where HeaderName.areEqual(head.name(index), "x-forwarded-for") {
      values.append(head.value(index))
    }
    return ForwardedFor.client(peer: peer, trusted: trusted, values: values)
  }

  /// `peer` is the peer of the connection. `values` are the headers of that name, in the order in which they came.
  ///
  /// The walk goes from the right past trusted addresses to the first other one. An element that is no address
  /// ("unknown", an empty one, garbage) ends it, and the address before it counts.
  static func client(
    peer: ClientAddress, trusted: TrustedProxies, values: some BidirectionalCollection<UnsafeRawBufferPointer>
  ) -> ClientAddress {
    var client = peer
    var hops = 0
    for value in values.reversed() {
      var rest = value[...]
      while true {
        guard hops < hopsMax, trusted.contains(client) else { return client }
        let comma = rest.lastIndex(of: UInt8(ascii: ","))
        let element = rest[(comma.map { $0 + 1 } ?? rest.startIndex)...]
        guard let named = parse(HeaderName.trimmed(UnsafeRawBufferPointer(rebasing: element))) else { return client }
        client = named
        hops += 1
        guard let comma else { break }
        rest = rest[..<comma]
      }
    }
    return client
  }

  /// "192.0.2.1", "192.0.2.1:51234", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:51234"
  static func parse(_ text: UnsafeRawBufferPointer) -> ClientAddress? {
    guard let first = text.first, text.count <= IPAddress.textBytesMax + 8 else { return nil }
    if first == UInt8(ascii: "[") {
      guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      let inside = text[1..<end]
      guard inside.contains(UInt8(ascii: ":")), let address = IPAddress(text: inside) else { return nil }
      let rest = text[(end + 1)...]
      if rest.isEmpty { return .ip(address, port: nil) }
      guard rest.first == UInt8(ascii: ":"), let port = PortNumber.parse(rest.dropFirst()) else { return nil }
      return .ip(address, port: port)
    }
    if let address = IPAddress(text: text) { return .ip(address, port: nil) }
    // One colon, or it would have been IPv6: what is before it is IPv4.
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let port = PortNumber.parse(text[(colon + 1)...]),
      let address = IPAddress(text: text[..<colon])
    else { return nil }
    return .ip(address, port: port)
  }
}
