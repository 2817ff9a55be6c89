import Testing

@testable import DOGEngine

@Suite struct RequestBodyTests {
  private func chunked(_ body: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
  }

  // RFC 9110, section 5.6.3: OWS is spaces and tabs.
  @Test(arguments: ["2\t", "\t2", " \t 2 \t ", "2 \t"])
  func `white space around Content-Length is no part of it`(_ value: String) {
    for split in [true, false] {
      var parsing = Parsing()
      let headers = "Host: a\t\r\nX: b\tc\t\r\nContent-Length:\(value)\r\nConnection: close\t\r\n"
      let text = "PUT / HTTP/1.1\r\n\(headers)\r\nhi"
      if split { text.utf8.forEach { parsing.feed([$0][...]) } } else { parsing.feed(text) }
      let told = "Host=a | X=b\tc | Content-Length=2 | Connection=close"
      #expect(parsing.events == [.request("PUT / (/) 1.1 close | \(told) || hi")])
    }
  }

  @Test func `a body ends where Content-Length says`() {
    let text = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 003 \r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    #expect(
      Parsing.events(text) == [
        .request("PUT / (/) 1.1 keep | Host=a | Content-Length=003 || abc"),
        .request("GET / (/) 1.1 keep | Host=a || "),
      ])
  }

  @Test func `a length of 0 is no body`() {
    #expect(Parsing.request("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")?.body == [])
  }

  @Test func `GET may have a body`() {
    #expect(
      Parsing.request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")?.body == [UInt8]("hi".utf8))
  }

  @Test(arguments: [
    ("0\r\n\r\n", ""), ("3\r\nabc\r\n0\r\n\r\n", "abc"), ("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"),
    ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("a\r\n0123456789\r\n00\r\n\r\n", "0123456789"),
    ("0000000000000003\r\nabc\r\n0\r\n\r\n", "abc"), ("3;a\r\nabc\r\n0;b\r\n\r\n", "abc"),
    ("3;a=b;c=\"d;\te\"\r\nabc\r\n0\r\n\r\n", "abc"), ("3\r\n\r\n0\r\n0\r\n\r\n", "\r\n0"),
    ("0\r\nX: y\r\nX-Content-Length: 5\r\nTransfer-Encodings: chunked\r\n\r\n", ""),
  ])
  func `chunks are put together`(_ body: String, _ content: String) {
    #expect(Parsing.request(chunked(body))?.body == [UInt8](content.utf8))
    #expect(Parsing.cutsThatMatter([UInt8](chunked(body).utf8)) == [])
  }

  @Test func `the name of the coding has no letter case`() {
    let request = Parsing.request(
      "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
    #expect(request?.body == [UInt8]("a".utf8))
  }

  @Test func `a request inside a chunk is data`() {
    let inner = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    let text = chunked("\(String(inner.utf8.count, radix: 16))\r\n\(inner)\r\n0\r\n\r\n")
    #expect(Parsing.request(text)?.body == [UInt8](inner.utf8))
  }

  @Test func `headers that only look like the framing ones frame nothing`() {
    let headers = "Host: a\r\nTransfer_Encoding: chunked\r\nContent_Length: 5\r\nX-Content-Length: 7\r\n"
    let text = "GET / HTTP/1.1\r\n\(headers)\r\n"
    #expect(Parsing.request(text)?.body == [])
  }

  @Test func `a long body that comes in many parts is whole`() {
    let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    var parsing = Parsing()
    parsing.feed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
    var start = 0
    while start < body.count {
      let end = min(start + 1 + start % 4000, body.count)
      parsing.feed(body[start..<end])
      start = end
    }
    #expect(parsing.requests.first?.body == body)
  }

  @Test func `a client that asks is told to go on, once, before its body`() {
    for framing in ["Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"] {
      let events = Parsing.events("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\(framing)")
      #expect(events.count == 2)
      #expect(events.first == .continueExpected)
    }
  }

  @Test func `a client that asks and sends no body is not told to go on`() {
    let text = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
    #expect(Parsing.request(text) != nil)
  }

  @Test func `HTTP/1.0 knows no Expect`() {
    let text = "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    #expect(Parsing.request(text)?.body == [UInt8]("hi".utf8))
  }

  @Test func `a body that is too large is refused before the client is told to send it`() {
    let text = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n"
    #expect(Parsing.events(text) == [.invalid(413)])
  }
}
