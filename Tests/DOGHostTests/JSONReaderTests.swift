import Testing

@testable import dog_host

@Suite struct JSONReaderTests {
  private func read(_ text: String) -> JSON? { read([UInt8](text.utf8)) }
  private func read(_ bytes: [UInt8]) -> JSON? { bytes.withUnsafeBytes { JSON($0) } }

  static let accepted: [(String, JSON)] = [
    ("null", .null), ("true", .bool(true)), ("false", .bool(false)), (" \t\r\n0 \n", .number("0")),
    ("-0", .number("-0")),
    ("10", .number("10")), ("1.5", .number("1.5")), ("0.0", .number("0.0")), ("1e5", .number("1e5")),
    ("-1.25E-07", .number("-1.25E-07")), ("1E+2", .number("1E+2")),
    ("123456789012345678901234567890", .number("123456789012345678901234567890")), ("\"\"", .string("")),
    (#""a b""#, .string("a b")), (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
    (#""\u0041""#, .string("A")),
    (#""\u00e9\u00E9""#, .string("éé")), (#""\ud83d\ude00""#, .string("😀")), ("\"😀\"", .string("😀")),
    (#""\u0000""#, .string("\0")), ("\"\u{7F}\"", .string("\u{7F}")), (#""\ud800""#, .string("\u{FFFD}")),
    (#""\ud800x""#, .string("\u{FFFD}x")), (#""\udc00""#, .string("\u{FFFD}")),
    (#""\ud800\u0041""#, .string("\u{FFFD}A")),
    ("[]", .array([])), ("[ ]", .array([])), ("[1,2]", .array([.number("1"), .number("2")])),
    ("[[],{}]", .array([.array([]), .object([:])])),
    ("{}", .object([:])), (#"{ "a" : 1 , "b" : [ null ] }"#, .object(["a": .number("1"), "b": .array([.null])])),
    (#"{"a":1,"a":2}"#, .object(["a": .number("2")])), (#"{"":0}"#, .object(["": .number("0")])),
  ]

  @Test(arguments: accepted)
  func `RFC 8259 takes it`(text: String, value: JSON) { #expect(read(text) == value) }

  static let rejected: [String] = [
    "", " ", "nul", "nulll", "True", "TRUE", "undefined", "NaN", "Infinity", "-Infinity", "+1", "-", "01", "-01", "00",
    "1.", ".5",
    "1.e5", "1e", "1e+", "1E-", "0x10", "1_000", "1 2", "- 1", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]",
    "[1}", "{",
    "}", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#, #"{"a":1,}"#, #"{,"a":1}"#, #"{a:1}"#, #"{'a':1}"#, #"{1:1}"#,
    #"{"a":1 "b":2}"#,
    #"{"a"::1}"#, #"""#, #""a"#, #""\"#, #""\""#, "'a'", #""\x41""#, #""\a""#, #""\'""#, #""\u""#, #""\u004""#,
    #""\u00g1""#,
    #""\U0041""#, #""\ud800\u""#, #""\u-041""#, "\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1F}\"", "//a\n1", "1//", "/**/1",
    "\u{FEFF}1",
    "\u{A0}1", "1\u{0B}", "1\u{0C}", "[1]x", "[]]", "{}{}", "nullnull", "1\0",
  ]

  @Test(arguments: rejected)
  func `RFC 8259 does not take it`(text: String) { #expect(read(text) == nil) }

  @Test(arguments: [
    [0xFF], [0x22, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFE, 0xFF, 0x00, 0x31],
  ])
  func `what is not UTF-8 is not taken`(bytes: [UInt8]) { #expect(read(bytes) == nil) }

  @Test func `it is nested to a depth, which a client cannot exceed`() {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let deep = { (depth: Int) in String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
      }
      #expect(read(deep(64)) != nil)
      #expect(read(deep(65)) == nil)
    }
    #expect(read(String(repeating: "[", count: 100_000)) == nil)
  }

  @Test(arguments: accepted)
  func `what is written is read again as the same`(_: String, value: JSON) { #expect(read(value.text) == value) }

  @Test func `members are written in the order of their names, control characters escaped`() {
    let value = JSON.object([
      "b": .string("\u{1}\"\\\n\r\t\u{1F}é"), "a": .array([.bool(true), .null, .number("1.0")]),
    ])
    #expect(value.text == #"{"a":[true,null,1.0],"b":"\u0001\"\\\n\r\t\u001fé"}"#)
  }

  @Test func `every cut of a value is no value`() {
    let text = [UInt8](#"{"a":[1.5,true,"\u00e9\ud83d\ude00"],"b":null}"#.utf8)
    for count in 0..<text.count { #expect(read(Array(text[..<count])) == nil) }
    #expect(read(text) != nil)
  }
}
