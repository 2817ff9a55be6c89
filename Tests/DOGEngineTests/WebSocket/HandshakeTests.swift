import Testing

@testable import DOGEngine

@Suite struct HandshakeTests {
  /// The handshake of RFC 6455, section 1.3.
  private static let sample = [
    "host": "server.example.com", "upgrade": "websocket", "connection": "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "origin": "http://example.com",
    "sec-websocket-protocol": "chat, superchat", "sec-websocket-version": "13",
  ]

  private static func check(
    isGET: Bool = true, isHTTP11: Bool = true, _ changes: [String: String?] = [:]
  ) -> Handshake.Result {
    let headers = sample.merging(changes.compactMapValues { $0 }) { $1 }
    return Handshake.check(isGET: isGET, isHTTP11: isHTTP11) { name in
      if case .some(.none) = changes[name] { return nil }
      return headers[name].map { [UInt8]($0.utf8) }
    }
  }

  private static func status(_ result: Handshake.Result) -> Int {
    switch result {
    case .accept: 101
    case .refuse(let status, _): status
    }
  }

  /// The first is the RFC's; all digits of Base64 are in these keys.
  @Test(arguments: [
    ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ("ABCDEFGHIJKLMNOPQRSTUQ==", "6q9Zb9vGXNJHjMUqcLfznTO2MYE="),
    ("VWXYZabcdefghijklmnopg==", "QsJ2XBiLdGo3YQBAX22zJ2uzcLQ="),
    ("qrstuvwxyz0123456789+g==", "CyGrfceRimWS+W26+3mZuN680vE="),
    ("//////////////////////==", "zXRQvy1wi5A4l0hwWYxMN3e2wNk="),
  ])
  func `a key has its proof`(_ key: String, _ accept: String) {
    #expect(Self.check(["sec-websocket-key": key]) == .accept(key: [UInt8](accept.utf8)))
  }

  static let cases: [(changes: [String: String?], status: Int)] = [
    (["upgrade": "WebSocket"], 101),
    (["upgrade": "h2c, WEBSOCKET"], 101),
    (["upgrade": ",,\twebsocket ,"], 101),
    (["upgrade": nil], 426),
    (["upgrade": ""], 426),
    (["upgrade": "websocket2"], 426),
    (["upgrade": "websocke"], 426),
    (["upgrade": "web socket"], 426),
    (["connection": "keep-alive, Upgrade"], 101),
    (["connection": "UPGRADE"], 101),
    (["connection": "keep-alive"], 426),
    (["connection": nil], 426),
    (["sec-websocket-version": " 13 "], 101),
    (["sec-websocket-version": "12"], 426),
    (["sec-websocket-version": "8, 13"], 426),
    (["sec-websocket-version": "013"], 426),
    (["sec-websocket-version": "131"], 426),
    (["sec-websocket-version": ""], 426),
    (["sec-websocket-version": nil], 426),
    (["sec-websocket-key": nil], 400),
    (["sec-websocket-key": ""], 400),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ"], 400),  // no padding
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25j"], 400),  // 15 bytes
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZWU="], 400),  // 17 bytes
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZWVl"], 400),  // 18 bytes
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25j===="], 400),
    (["sec-websocket-key": "dGhl HNhbXBsZSBub25jZQ=="], 400),
    (["sec-websocket-key": "dGhl=HNhbXBsZSBub25jZQ=="], 400),
    (["sec-websocket-key": "dGhl-HNhbXBsZSBub25jZQ=="], 400),
    (["sec-websocket-key": "dGhl_HNhbXBsZSBub25jZQ=="], 400),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZ==="], 400),
    (["sec-websocket-key": "====================  =="], 400),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=A"], 400),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=\n"], 400),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="], 400),  // two of them
    (["sec-websocket-key": " dGhlIHNhbXBsZSBub25jZQ== "], 101),
    (["sec-websocket-key": "dGhlIHNhbXBsZSBub25jZR=="], 101),  // bits left over
    (["sec-websocket-protocol": nil], 101),
    (["sec-websocket-protocol": "a,, b ,"], 101),
    (["sec-websocket-protocol": ""], 101),
    (["sec-websocket-protocol": " , "], 101),
    (["sec-websocket-protocol": "a b"], 400),
    (["sec-websocket-protocol": "a, b/c"], 400),
    (["sec-websocket-protocol": "a, \u{fc}"], 400),
    (["sec-websocket-version": "13, 13"], 426),  // two of them
  ]

  @Test func `each header has its rule`() {
    for (changes, status) in Self.cases {
      #expect(Self.status(Self.check(changes)) == status, "\(changes)")
    }
  }

  @Test func `the method comes first, then upgrade and version, then the rest`() {
    #expect(Self.status(Self.check(isGET: false, isHTTP11: false, ["upgrade": nil])) == 405)
    #expect(Self.status(Self.check(isHTTP11: false, ["sec-websocket-version": "8", "sec-websocket-key": nil])) == 426)
    #expect(Self.status(Self.check(isHTTP11: false)) == 400)
  }

  @Test func `the client's protocols are a list of tokens in its order`() {
    let protocols = { (value: String) in Handshake.protocols([UInt8](value.utf8)) }
    #expect(Handshake.protocols(nil) == [])
    #expect(protocols("chat, superchat") == ["chat", "superchat"])
    #expect(protocols(" ,\tv1.json ,,V1.json,") == ["v1.json", "V1.json"])
    #expect(protocols("") == [])
    #expect(protocols("a b, c\r\nd, \"e\", f/g, ü, ok") == ["ok"])
  }
}
