import Testing

@testable import DOGEngine

@Suite struct PercentCodingTests {
  @Test(arguments: [
    ("", ""), ("abc", "abc"), ("a%20b", "a b"), ("%41%62", "Ab"), ("%c3%A9", "é"), ("%2541", "%41"), ("a+b", "a+b"),
    ("%2F", "/"), ("%00", "\u{0}"),
  ])
  func `escapes are taken away once`(_ coded: String, _ decoded: String) {
    #expect(PercentCoding.decode(coded.utf8) == [UInt8](decoded.utf8))
  }

  @Test(arguments: ["%", "%4", "a%", "%zz", "%4g", "%g4", "%%41", "% 41", "%+1"])
  func `a malformed escape is no text`(_ coded: String) {
    #expect(PercentCoding.decode(coded.utf8) == nil)
  }

  @Test(arguments: [
    ("%", "%"), ("100%", "100%"), ("%zz", "%zz"), ("%%41", "%A"), ("a+b%2B", "a b+"), ("%4", "%4"), ("%00", "\u{0}"),
    ("%2541", "%41"),
    ("%0d%0a", "\r\n"),
  ])
  func `a query keeps what escapes nothing`(_ coded: String, _ decoded: String) {
    #expect(PercentCoding.decodeQuery(coded.utf8) == [UInt8](decoded.utf8))
  }
}
