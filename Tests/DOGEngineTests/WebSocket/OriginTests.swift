import Testing

@testable import DOGEngine

@Suite struct OriginTests {
  static let alike: [[String]] = [
    ["https://example.com", "HTTPS://EXAMPLE.COM", "https://Example.com:443", "https://example.com:0443"],
    ["http://example.com:80", "http://example.com"],
    ["https://example.com:80"],
    ["http://example.com:443"],
    ["https://www.example.com"],
    ["https://example.com."],
    ["https://example.com:8443"],
    ["http://[::1]:3000", "http://[::1]:3000"],
    ["http://[2001:DB8::1]", "http://[2001:db8::1]:80"],
    ["http://127.0.0.1"],
    ["chrome-extension://abcdefghijklmnop"],
    ["file://", "FILE://"],
    ["app://"],
    ["app://-"],
    ["capacitor://localhost"],
    ["null"],
  ]

  @Test func `letter case and the scheme's own port are aside, nothing else is`() throws {
    for (group, texts) in Self.alike.enumerated() {
      for text in texts {
        let origin = try #require(Origin(text.utf8), "\(text)")
        for (other, others) in Self.alike.enumerated() {
          for another in others { #expect((Origin(another.utf8) == origin) == (other == group), "\(text) \(another)") }
        }
      }
    }
  }

  @Test(arguments: [
    "", " ", "example.com", "https:", "https:/", "https://", "https:///", "https://example.com/", "https://a/b",
    "https://user@example.com", "https://a b", "https://a, https://b", "https://a https://b", "null, null", "NULL",
    " https://a", "https://a ", "https://a:", "https://a:x", "https://a:65536", "https://a:123456", "https://a:-1",
    "https://:443", "http://", "wss://", "app://:80", "file:///",
    "1http://a", "://a", "https://[::1", "https://[]", "https://[::1]x", "https://[g%]",
    "https://\u{e4}", "https://a\u{0}", "https://a?b", "https://a#b", "https://*.example.com", "*",
    "https://" + String(repeating: "a", count: 600),
  ])
  func `what is no serialized origin is none`(_ text: String) { #expect(Origin(text.utf8) == nil) }

  @Test func `a list admits what it holds and what has no origin`() throws {
    let list = try OriginList(["https://example.com", "http://localhost:3000"])
    let admits = { (text: String) in list.admits([UInt8](text.utf8)) }
    #expect(list.admits(nil))
    #expect(admits("https://EXAMPLE.com:443") && admits("http://localhost:3000"))
    for text in ["", "null", "https://example.com, https://example.com", "http://localhost", "https://evil.example"] {
      #expect(!admits(text), "\(text)")
    }
    #expect(try OriginList(["null"]).admits([UInt8]("null".utf8)))
    #expect(try !OriginList([]).admits([UInt8]("https://example.com".utf8)))
  }

  @Test func `an entry that is no origin is named`() {
    #expect { try OriginList(["https://a", "a.example"]) } throws: { error in
      (error as? OriginList.NotAnOrigin)?.entry == "a.example"
    }
  }
}
