import Testing

@testable import DOGEngine

@Suite struct ResponseEncoderTests {
  private let date = [UInt8]("Sun, 06 Nov 1994 08:49:37 GMT".utf8)
  private let dateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

  private func facts(isHEAD: Bool = false, isHTTP11: Bool = true, keepAlive: Bool = true) -> ResponseEncoder.Facts {
    ResponseEncoder.Facts(isHEAD: isHEAD, isHTTP11: isHTTP11, keepAlive: keepAlive)
  }

  private func text(_ out: SharedBytes) -> String {
    String(decoding: UnsafeRawBufferPointer(start: out.base, count: out.count), as: UTF8.self)
  }

  private func encode(
    _ status: Int, headers: [HTTPHeader] = [], body: String = "", for facts: ResponseEncoder.Facts
  ) -> String {
    let response = Response(status: status, lines: headers.lines, body: [UInt8](body.utf8))
    return encode(response, for: facts)
  }

  private func encode(_ response: Response, for facts: ResponseEncoder.Facts) -> String {
    date.withUnsafeBytes { date in response.withEncoded(for: facts, date: date) { text($0) } }
  }

  private func text(_ response: EncodedResponse) -> String {
    let out = SharedBytes(capacity: 0)
    response.write(to: out.extend(by: response.count))
    return text(out)
  }

  private func refusal(_ status: Int, for facts: ResponseEncoder.Facts) -> String {
    encode(Response.refusal(status, retryAfterSeconds: 1), for: facts)
  }

  @Test func `a response is status, Date, Content-Length, the host's headers and the body`() {
    let headers = [HTTPHeader(name: "Content-Type", value: "text/plain"), HTTPHeader(name: "X", value: "")]
    #expect(
      encode(200, headers: headers, body: "hello", for: facts())
        == "HTTP/1.1 200 OK\r\n\(dateLine)Content-Length: 5\r\nContent-Type: text/plain\r\nX: \r\n\r\nhello")
  }

  @Test func `HEAD gets the length of the body that it does not get`() {
    #expect(
      encode(200, body: "hello", for: facts(isHEAD: true))
        == "HTTP/1.1 200 OK\r\n\(dateLine)Content-Length: 5\r\n\r\n")
  }

  @Test func `a response whose length is not known is chunked, or closes, or says nothing`() {
    let head = { (status: Int, facts: ResponseEncoder.Facts) in
      let noLines = UnsafeRawBufferPointer(start: nil, count: 0)
      return date.withUnsafeBytes { text(EncodedResponse(headOf: status, lines: noLines, for: facts, date: $0)) }
    }
    let chunked = "HTTP/1.1 200 OK\r\n\(dateLine)Transfer-Encoding: chunked\r\n\r\n"
    #expect(head(200, facts()) == chunked)
    #expect(head(200, facts(isHEAD: true)) == chunked)
    #expect(
      head(200, facts(isHTTP11: false, keepAlive: false))
        == "HTTP/1.1 200 OK\r\n\(dateLine)Connection: close\r\n\r\n")
    #expect(head(204, facts()) == "HTTP/1.1 204 No Content\r\n\(dateLine)\r\n")
    #expect(head(304, facts()) == "HTTP/1.1 304 Not Modified\r\n\(dateLine)\r\n")
    #expect(head(205, facts()) == "HTTP/1.1 205 Reset Content\r\n\(dateLine)Content-Length: 0\r\n\r\n")
  }

  @Test(arguments: [204, 304])
  func `a status without content has neither body nor length`(_ status: Int) {
    let reason = status == 204 ? "No Content" : "Not Modified"
    #expect(encode(status, body: "ignored", for: facts()) == "HTTP/1.1 \(status) \(reason)\r\n\(dateLine)\r\n")
  }

  @Test(arguments: [
    (true, true, ""), (true, false, "Connection: close\r\n"), (false, true, "Connection: keep-alive\r\n"),
    (false, false, "Connection: close\r\n"),
  ])
  func `Connection says only what the version does not imply`(_ isHTTP11: Bool, _ keepAlive: Bool, _ line: String) {
    #expect(
      encode(200, for: facts(isHTTP11: isHTTP11, keepAlive: keepAlive))
        == "HTTP/1.1 200 OK\r\n\(dateLine)Content-Length: 0\r\n\(line)\r\n")
  }

  @Test func `a status without a phrase keeps its space`() {
    #expect(encode(299, for: facts()).hasPrefix("HTTP/1.1 299 \r\n"))
  }

  @Test func `a refusal is plain text`() {
    #expect(
      refusal(404, for: facts())
        == "HTTP/1.1 404 Not Found\r\n\(dateLine)Content-Length: 14\r\n"
        + "Content-Type: text/plain; charset=utf-8\r\n\r\n404 Not Found\n")
  }

  @Test func `a refusal of what could not be read closes`() {
    #expect(refusal(400, for: .unread(isHEAD: false)).contains("\r\nConnection: close\r\n"))
  }

  @Test(arguments: [
    (true, true, "Connection: Upgrade\r\n"), (true, false, "Connection: close, Upgrade\r\n"),
    (false, true, "Connection: keep-alive, Upgrade\r\n"),
  ])
  func `426 offers the upgrade`(_ isHTTP11: Bool, _ keepAlive: Bool, _ line: String) {
    let response = refusal(426, for: facts(isHTTP11: isHTTP11, keepAlive: keepAlive))
    #expect(response.contains("\r\n\(line)"))
    #expect(response.contains("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"))
  }

  @Test func `405 says what is allowed`() {
    #expect(refusal(405, for: facts()).contains("\r\nAllow: "))
  }

  @Test func `the upgrade is that of RFC 6455`() {
    let out = SharedBytes(capacity: 0)
    ResponseEncoder.switchingProtocols(
      accept: [UInt8]("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8), protocol: "chat",
      headers: [HTTPHeader(name: "X", value: "y")], into: out)
    #expect(
      text(out)
        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX: y\r\n\r\n")
  }

  @Test func `an upgrade without a protocol names none`() {
    let out = SharedBytes(capacity: 0)
    ResponseEncoder.switchingProtocols(accept: [UInt8]("x".utf8), protocol: nil, headers: [], into: out)
    #expect(
      text(out)
        == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: x\r\n\r\n")
  }

  @Test(arguments: [
    ("X", "y"), ("Content-Type", "text/plain; charset=\"utf-8\""), ("Set-Cookie", "a=b"), ("X", ""), ("X", "a\tb"),
    ("X", "é"), ("Upgrade", "h2c"), ("Contents-Length", "1"),
  ])
  func `a host may send this header`(_ name: String, _ value: String) {
    #expect(ResponseEncoder.isValid(HTTPHeader(name: name, value: value)))
  }

  @Test(arguments: [
    ("", "y"), ("X Y", "y"), ("X:", "y"), ("X\r\nY", "y"), ("é", "y"), ("X", "a\r\nY: b"), ("X", "a\rb"),
    ("X", "a\nb"), ("X", "a\u{0}b"), ("X", "\u{1}"), ("X", "\u{7f}"), ("Content-Length", "5"), ("content-length", "5"),
    ("TRANSFER-ENCODING", "chunked"), ("Date", "now"), ("Connection", "close"),
  ])
  func `a host may not send this header`(_ name: String, _ value: String) {
    #expect(!ResponseEncoder.isValid(HTTPHeader(name: name, value: value)))
    #expect(!ResponseEncoder.isValid(HTTPHeader(name: name, value: value), forUpgrade: true))
  }

  @Test(arguments: [
    "Upgrade", "upgrade", "Sec-WebSocket-Accept", "sec-websocket-protocol", "Sec-WebSocket-Extensions",
  ])
  func `the handshake's own headers are not for hosts`(_ name: String) {
    #expect(!ResponseEncoder.isValid(HTTPHeader(name: name, value: "x"), forUpgrade: true))
    #expect(ResponseEncoder.isValid(HTTPHeader(name: "X", value: "x"), forUpgrade: true))
  }

  @Test func `a header gives back its name and value`() {
    let header = HTTPHeader(name: "Content-Type", value: "text/plain")
    #expect(header.name == "Content-Type")
    #expect(header.value == "text/plain")
    #expect(HTTPHeader(name: "X", value: "").value == "")
  }
}
