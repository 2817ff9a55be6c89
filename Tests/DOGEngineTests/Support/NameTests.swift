import Testing

@testable import DOGEngine

@Suite struct NameTests {
  @Test(arguments: ["a", "é", "a b", "🐶", String(repeating: "x", count: 256)])
  func `a name is text without control characters`(text: String) throws {
    let name = try #require(Name(text))
    #expect(name.description == text)
  }

  @Test(arguments: [
    [], [0x00], [0x0a], [0x1f], [0x7f], [0x61, 0x09], [0xff], [0xc3], [0xed, 0xa0, 0x80],
    [UInt8](repeating: 0x61, count: 257),
  ])
  func `what is empty, too long, not UTF-8 or has control characters is no name`(bytes: [UInt8]) {
    #expect(Name(bytes) == nil)
  }

  @Test func `two spellings of one letter are two names`() throws {
    #expect("\u{e9}" == "e\u{301}")
    let composed = try #require(Name("\u{e9}"))
    let decomposed = try #require(Name("e\u{301}"))
    #expect(composed != decomposed)
  }

  @Test func `a random Shard id is 32 hex digits, and another each time`() {
    let id = ShardID.random()
    #expect(id.bytes.count == 32 && id.description.allSatisfy(\.isHexDigit))
    #expect(ShardID.random() != id)
  }
}
