import Testing

@testable import DOGEngine

@Suite struct LogTextTests {
  @Test(arguments: [
    ("plain text, [::1]:80: 400", "plain text, [::1]:80: 400"), ("", ""), ("a\nb\r\nc", "a\\x0ab\\x0d\\x0ac"),
    ("\u{1b}[31mred\u{7}", "\\x1b[31mred\\x07"), ("\u{7f}\u{80}\u{9b}31m", "\\x7f\\x80\\x9b31m"),
    ("\u{2028}\u{202e}\u{2066}\u{feff}", "\\u{2028}\\u{202e}\\u{2066}\\u{feff}"), ("Zoë 犬", "Zoë 犬"),
  ])
  func `a line is one line`(text: String, line: String) { #expect(LogText.line(text) == line) }

  @Test func `a long line is cut, after what is escaped has grown`() {
    #expect(LogText.line(String(repeating: "x", count: 1024)).utf8.count == 1024)
    #expect(LogText.line(String(repeating: "x", count: 1025)).utf8.count == 1027)
    for piece in ["\n", "犬", "é\u{2028}", "x"] {
      let line = LogText.line(String(repeating: piece, count: 5000))
      #expect(line.utf8.count <= 1027 && line.hasSuffix("..."))
    }
  }

  @Test(arguments: [
    ("/a%20b", 10, "/a%20b"), ("/a b\\n", 10, "/a b\\\\n"), ("/\n\r\u{1b}", 10, "/\\x0a\\x0d\\x1b"),
    ("é", 10, "\\xc3\\xa9"),
    ("/0123456789", 5, "/0123..."), ("/0123", 5, "/0123"),
  ])
  func `what a client sent is printable, short and cannot be taken for an escape`(
    text: String, max: Int, quoted: String
  ) {
    #expect(LogText.quoted(text.utf8, max: max) == quoted)
  }

  @Test func `the log gets what is escaped`() {
    let lines = Watched<[String]>([])
    let log = Log(level: .info) { _, line in lines.change { $0.append(line) } }
    log(.info, "one\ntwo")
    #expect(lines.now == ["one\\x0atwo"])
  }
}
