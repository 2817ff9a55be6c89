import Testing

@testable import DOGEngine

@Suite struct RequestLimitTests {
  private static let limits = RequestParser.Limits(
    targetBytesMax: 20, headerBytesMax: 120, headerCountMax: 4, bodyBytesMax: 16)

  private func events(_ text: String) -> [Parsed] { Parsing.events(text, limits: RequestLimitTests.limits) }

  private func isRequest(_ text: String) -> Bool {
    let events = events(text)
    guard events.count == 1, case .request = events[0] else { return false }
    return true
  }

  private func get(target: Int) -> String {
    "GET /\(String(repeating: "x", count: target - 1)) HTTP/1.1\r\nHost: a\r\n\r\n"
  }

  /// A whole head of so many bytes.
  private func head(bytes: Int) -> String {
    let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".utf8.count
    return "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: bytes - rest))\r\n\r\n"
  }

  private func headers(_ count: Int) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: count - 1))\r\n"
  }

  private func chunks(_ sizes: [Int]) -> String {
    let parts = sizes.map { "\(String($0, radix: 16))\r\n\(String(repeating: "x", count: $0))\r\n" }
    return "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(parts.joined())0\r\n\r\n"
  }

  @Test func `a target at its limit is taken and one byte more is 414`() {
    #expect(isRequest(get(target: 20)))
    #expect(events(get(target: 21)) == [.invalid(414)])
  }

  @Test func `414 comes while the target grows`() {
    #expect(events("GET /\(String(repeating: "x", count: 19))") == [])
    #expect(events("GET /\(String(repeating: "x", count: 20))") == [.invalid(414)])
  }

  @Test func `a head at its limit is taken and one byte more is 431`() {
    #expect(isRequest(head(bytes: 120)))
    #expect(events(head(bytes: 121)) == [.invalid(431)])
  }

  @Test func `431 comes while the head grows`() {
    let bytes = [UInt8](head(bytes: 200).utf8)
    #expect(Parsing.events(Array(bytes.prefix(119)), limits: RequestLimitTests.limits) == [])
    #expect(Parsing.events(Array(bytes.prefix(120)), limits: RequestLimitTests.limits) == [.invalid(431)])
  }

  @Test func `as many headers as allowed are taken and one more is 431`() {
    #expect(isRequest(headers(4)))
    #expect(events(headers(5)) == [.invalid(431)])
  }

  @Test func `a body at its limit is taken and one byte more is 413`() {
    let text = { (length: Int) in "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n" }
    #expect(isRequest(text(16) + String(repeating: "x", count: 16)))
    #expect(events(text(17)) == [.invalid(413)])
  }

  @Test func `chunks together are held to the limit of the body`() {
    #expect(isRequest(chunks([16])))
    #expect(isRequest(chunks([1, 15])))
    #expect(events(chunks([17])) == [.invalid(413)])
    #expect(events(chunks([16, 1])) == [.invalid(413)])
    #expect(events(chunks([8, 8, 8])) == [.invalid(413)])
  }

  @Test func `413 comes when the size of a chunk is known`() {
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(events(head + "11") == [])
    #expect(events(head + "11\r") == [.invalid(413)])
  }

  @Test func `what is refused for its size is refused however it is cut`() {
    let samples = [
      get(target: 20), get(target: 21), get(target: 60), head(bytes: 120), head(bytes: 121), headers(4), headers(5),
      headers(9), chunks([16]), chunks([16, 1]), chunks([17]),
      // Two faults: the first one in the order of the bytes is what counts.
      "GET /\(String(repeating: "x", count: 30))\u{1} HTTP/1.1\r\n\r\n",
      "GET /\u{1}\(String(repeating: "x", count: 30))",
      "FOO /\(String(repeating: "x", count: 30)) HTTP/1.1\r\n\r\n", headers(5) + "\u{1}",
      "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 200))\n",
    ]
    for sample in samples {
      #expect(Parsing.cutsThatMatter([UInt8](sample.utf8), limits: RequestLimitTests.limits) == [], "\(sample)")
    }
  }

  @Test func `limits of zero refuse and do not trap`() {
    let none = RequestParser.Limits(targetBytesMax: 0, headerBytesMax: 0, headerCountMax: 0, bodyBytesMax: 0)
    for text in RequestSamples.valid {
      let events = Parsing.events(text, limits: none)
      #expect(events == [.invalid(431)] || events == [.invalid(414)])
    }
  }

  @Test func `limits beyond any memory do not trap`() {
    let all = RequestParser.Limits(
      targetBytesMax: .max, headerBytesMax: .max, headerCountMax: .max, bodyBytesMax: .max)
    let sized = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\nabc"
    #expect(Parsing.events(sized, limits: all) == [])
    let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(Parsing.events(chunked + "7fffffffffffffff\r\nabc", limits: all) == [])
    #expect(Parsing.events(chunked + "3\r\nabc\r\n7fffffffffffffff\r\n", limits: all) == [.invalid(413)])
  }
}
