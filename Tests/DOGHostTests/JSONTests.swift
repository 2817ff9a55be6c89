import Testing

@testable import dog_host

@Suite struct JSONTests {
  private func parse(_ text: String) -> JSON? {
    var text = text
    return text.withUTF8 { JSON(UnsafeRawBufferPointer($0)) }
  }

  @Test(arguments: [
    "{}", "[]", " { \"a\" : [ 1 , -0.5e+3 , true , false , null , \"\" ] } ", "0", "-0", "1E9", "\"\\u0041\\n\\/\"",
    "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "{\"a\":{\"a\":1}}", "\"é\"",
  ])
  func `what RFC 8259 allows is read`(text: String) { #expect(parse(text) != nil) }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "1.", ".5", "+1", "1e", "tru", "nul", "\"",
    "\"\\x\"", "\"\\u12\"", "\"\n\"", "[1 2]", "{\"a\" 1}", "{} {}", "NaN", "// c\n{}", "\u{feff}{}",
  ])
  func `what it does not allow is not`(text: String) { #expect(parse(text) == nil) }

  @Test func `bytes that are not UTF-8 are not JSON`() {
    let bytes: [UInt8] = [0x22, 0xff, 0x22]
    #expect(bytes.withUnsafeBytes { JSON($0) } == nil)
  }

  @Test func `what is nested without end is refused, not followed`() {
    #expect(parse(String(repeating: "[", count: 100_000)) == nil)
    #expect(parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60)) != nil)
  }

  @Test(arguments: ["plain", "quote \" and \\", "line\nbreak\ttab", "\u{01}\u{1f}", "🐶 é", "</script>"])
  func `a string comes back as it went`(text: String) throws {
    let json = try #require(parse(JSON.string(text).text))
    #expect(json.string == text)
  }

  @Test func `escapes are read as what they stand for`() {
    #expect(parse("\"\\ud83d\\ude00\\u00e9\\/\"")?.string == "😀é/")
    #expect(parse("\"\\ud83dx\"")?.string == "\u{fffd}x")
  }
}
