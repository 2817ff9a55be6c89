import Testing

@testable import DOGEngine

/// Which heads are plain. That they read the same as by the others, `RequestParserTests` and the fuzzer see to, which
/// cut every input.
@Suite struct PlainHeadTests {
  private func isPlain(_ text: String, limits: RequestParser.Limits = Parsing.limits) -> Bool {
    withUnsafeTemporaryAllocation(of: RequestHead.Header.self, capacity: PlainHead.headersMax) { rows in
      text.withBytes { PlainHead($0, limits, into: rows) } != nil
    }
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /a?b=c HTTP/1.1\r\nHost:x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie:\r\nX:   é  \r\n\r\nGET ", "GET /?\\ HTTP/1.1\r\n\r\n",
  ])
  func `a head of the usual kind is plain`(_ text: String) {
    #expect(isPlain(text))
  }

  @Test(arguments: [
    "", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r", "GET / HTTP/1.1\r\nHost: x\r\n\rx",
    "POST / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n",
    "HEAD/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1 \r\n\r\n",
    "GET /\\ HTTP/1.1\r\n\r\n", "GET /# HTTP/1.1\r\n\r\n", "GET /é HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nX : y\r\n\r\n", "GET / HTTP/1.1\r\n: y\r\n\r\n", "GET / HTTP/1.1\r\nX\r\n\r\n",
    "GET / HTTP/1.1\r\nX: y\r\n z\r\n\r\n", "GET / HTTP/1.1\r\nX: y\tz\r\n\r\n", "GET / HTTP/1.1\r\nX: \u{7f}\r\n\r\n",
    "GET / HTTP/1.1\r\nX: y\nZ: z\r\n\r\n", "GET / HTTP/1.1\r\nX: y\rZ: z\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\r\nProxy-Connection: close\r\n\r\n",
  ])
  func `any other is for the others`(_ text: String) {
    #expect(!isPlain(text))
  }

  @Test func `a head past a limit is for the others, who say which`() {
    let text = "GET /12 HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n"
    let limits = { (target: Int, headers: Int) in
      RequestParser.Limits(targetBytesMax: target, headerBytesMax: 100, headerCountMax: headers, bodyBytesMax: 0)
    }
    #expect(isPlain(text, limits: limits(3, 2)))
    #expect(!isPlain(text, limits: limits(2, 2)))
    #expect(!isPlain(text, limits: limits(3, 1)))
    let many = { (count: Int) in "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: count) + "\r\n" }
    #expect(isPlain(many(PlainHead.headersMax)))
    #expect(!isPlain(many(PlainHead.headersMax + 1)))
  }
}
