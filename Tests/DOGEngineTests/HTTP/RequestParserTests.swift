import Testing

@testable import DOGEngine

@Suite struct RequestParserTests {
  @Test func `a request is read as it came`() {
    let events = Parsing.events(
      "GET /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-two:2\r\nX-Empty:\r\nX-Space: \t b c \t\r\n\r\n")
    #expect(
      events == [
        .request("GET /a%20b?c=d (/a%20b) 1.1 keep | Host=a | X-One=1 | x-two=2 | X-Empty= | X-Space=b c || ")
      ])
  }

  @Test(arguments: RequestSamples.valid)
  func `each valid sample is one request`(_ text: String) {
    let events = Parsing.events(text).filter { $0 != .continueExpected }
    #expect(events.count == 1)
    guard case .request = events.first else {
      Issue.record("\(events)")
      return
    }
  }

  @Test(arguments: RequestSamples.valid)
  func `a request cut anywhere reads the same`(_ text: String) {
    #expect(Parsing.cutsThatMatter([UInt8](text.utf8)) == [])
  }

  @Test(arguments: RequestSamples.refused)
  func `what cannot be read is refused with its status`(_ sample: RequestSamples.Refused) {
    #expect(Parsing.events(sample.text) == [.invalid(sample.status)])
  }

  @Test(arguments: RequestSamples.refused.filter { $0.text.utf8.count < 1000 })
  func `what is refused is refused however it is cut`(_ sample: RequestSamples.Refused) {
    #expect(Parsing.cutsThatMatter([UInt8](sample.text.utf8)) == [])
  }

  @Test(arguments: [
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "M-SEARCH", "SOURCE", "PURGE",
  ])
  func `a known method passes through`(_ method: String) {
    #expect(Parsing.request("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")?.method == method)
  }

  @Test(arguments: [
    "a", "a.example", "a.example:80", "a.example:", "127.0.0.1:8787", "[::1]", "[::1]:8787", "a_b~c", "%41",
    "A;b=c", "[2001:db8::1]", "[::ffff:192.0.2.1]:80", "[v1.a:b]", "[VfF.~]:1",
  ])
  func `a well formed Host is taken`(_ host: String) {
    #expect(Parsing.request("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")?.header("host") == [UInt8](host.utf8))
  }

  @Test func `a target may hold what browsers leave in it`() {
    let request = Parsing.request("GET /a|b?c=\\^`{|}[] HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(request?.query("c") == [UInt8]("\\^`{|}[]".utf8))
  }

  @Test(arguments: [
    ("http://a.example/x", "a.example"), ("HTTP://A:80", "A:80"), ("https://[::1]:8787?q", "[::1]:8787"), ("/x", "b"),
    ("//a.example/x", "b"), ("/http://a.example/", "b"),
  ])
  func `a target in absolute-form says what the request is for, whatever Host says`(_ target: String, _ host: String) {
    let request = Parsing.request("GET \(target) HTTP/1.1\r\nX: y\r\nHost: b\r\n\r\n")
    #expect(request?.header("HOST") == [UInt8](host.utf8))
    #expect(request?.header("x") == [UInt8]("y".utf8))
    #expect(request?.headerAt(1) { _, value in [UInt8](value) } == [UInt8]("b".utf8))
  }

  @Test(arguments: [
    ("HEAD / HTTP/1.1\r\n\r\n", true), ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", true),
    ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", true), ("\r\nHEAD  /", true),
    ("HEAD /\(String(repeating: "x", count: 9000))", true), ("GET / HTTP/1.1\r\n\r\n", false),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n", true),
    ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", false), ("HEADX / HTTP/1.1\r\n\r\n", false),
    ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\nHEAD / HTTP/1.1\r\n\r\n", false),
    ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nHEAD / HTTP/1.1\r\n\r\n", false),
  ])
  func `a refused HEAD is known as one, for its answer has no body`(_ text: String, _ isHEAD: Bool) {
    let bytes = [UInt8](text.utf8)
    for cut in bytes.indices where cut < 100 || cut > bytes.count - 3 {
      var parsing = Parsing()
      parsing.feed(bytes[..<cut])
      parsing.feed(bytes[cut...])
      guard case .invalid = parsing.events.last else {
        Issue.record("not refused: \(parsing.events)")
        return
      }
      #expect(parsing.parser.refusesHEAD == isHEAD, "cut at \(cut)")
    }
  }

  @Test(arguments: [
    ("HEAD /", true), ("\r\nHEAD / HTTP/1.1\r\nHost:", true), ("GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /", true),
    ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", true), ("HEAD", false), ("", false), ("\r", false),
    ("GET /", false), ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nHEAD / HTTP", false),
    ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false),
  ])
  func `a HEAD that does not come whole is known as one, for 408 has no body either`(_ text: String, _ isHEAD: Bool) {
    let bytes = [UInt8](text.utf8)
    for cut in 0...bytes.count {
      var parsing = Parsing()
      parsing.feed(bytes[..<cut])
      parsing.feed(bytes[cut...])
      #expect(parsing.parser.refusesHEAD == isHEAD, "cut at \(cut)")
    }
  }

  @Test func `pipelined requests come one by one and the rest stays`() {
    let text = RequestSamples.valid.joined()
    let events = Parsing.events(text)
    #expect(events == RequestSamples.valid.flatMap { Parsing.events($0) })
    #expect(Parsing.cutsThatMatter([UInt8](text.utf8)) == [])
  }

  @Test func `the input is left exactly at the end of the request`() {
    for text in RequestSamples.valid {
      var parsing = Parsing()
      parsing.feed(text + "GET")
      #expect(parsing.restCount == 3)
    }
  }

  @Test func `what follows an upgrade is left to the caller`() throws {
    let text = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}"
    let bytes = [UInt8](text.utf8)
    bytes.withUnsafeBytes { all in
      var input = all
      var parser = RequestParser(limits: Parsing.limits, remote: "")
      guard case .request(let request) = parser.next(&input) else {
        Issue.record("no request")
        return
      }
      #expect(request.header("Upgrade") == [UInt8]("websocket".utf8))
      #expect(input.elementsEqual([1, 2]))
    }
  }

  @Test func `an upgrade with a body has its body read first`() {
    let text = "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabcrest"
    var parsing = Parsing()
    parsing.feed(text)
    #expect(parsing.requests.first?.body == [UInt8]("abc".utf8))
    #expect(parsing.restCount == 4)
  }

  @Test(arguments: [
    ("HTTP/1.1", "X: y", true), ("HTTP/1.1", "Connection: close", false), ("HTTP/1.1", "Connection: CLOSE", false),
    ("HTTP/1.1", "Connection: foo, close", false), ("HTTP/1.1", "Connection: close, foo", false),
    ("HTTP/1.1", "Connection: close, keep-alive", false), ("HTTP/1.1", "Connection: keep-alive, close", false),
    ("HTTP/1.1", "Connection: foo\r\nConnection: close", false), ("HTTP/1.1", "Connection: closed", true),
    ("HTTP/1.1", "Connection: foo close", true), ("HTTP/1.1", "Connection: Upgrade", true),
    ("HTTP/1.1", "Connection: close ", false), ("HTTP/1.1", "Connection:\tclose\t", false),
    ("HTTP/1.1", "Connection: upgrade,close", false), ("HTTP/1.1", "Connection: ,close", false),
    ("HTTP/1.0", "X: y", false), ("HTTP/1.0", "Connection: keep-alive", true),
    ("HTTP/1.0", "Connection: Keep-Alive", true), ("HTTP/1.0", "Connection: foo, keep-alive", true),
    ("HTTP/1.0", "Connection: keep-alive, close", false), ("HTTP/1.0", "Connection: close, keep-alive", false),
  ])
  func `the connection is kept as version and Connection say`(_ version: String, _ header: String, _ keeps: Bool) {
    #expect(Parsing.request("GET / \(version)\r\nHost: a\r\n\(header)\r\n\r\n")?.keepAlive == keeps)
  }

  @Test func `the phase tells what is awaited`() {
    var parsing = Parsing()
    let phase = { (text: String) -> RequestParser.Phase in
      parsing.feed(text)
      return parsing.parser.phase
    }
    #expect(phase("") == .idle)
    #expect(phase("\r\n") == .idle)
    #expect(phase("G") == .head)
    #expect(phase("ET / HTTP/1.1\r\nHost: a\r\n\r") == .head)
    #expect(phase("\n") == .idle)
    #expect(phase("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n") == .body)
    #expect(phase("a") == .body)
    #expect(phase("b") == .idle)
    #expect(phase("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r") == .body)
    #expect(phase("\n") == .idle)
    #expect(parsing.requests.count == 3)
  }

  @Test func `an empty read changes nothing`() {
    for text in RequestSamples.valid {
      let bytes = [UInt8](text.utf8)
      let cuts = bytes.indices.flatMap { [$0, $0] }
      #expect(Parsing.events(bytes, cutAt: cuts) == Parsing.events(bytes))
    }
  }

  @Test func `empty lines are counted anew before each request`() {
    let text = "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    #expect(Parsing.events(text + text + text).count == 3)
  }

  @Test func `a refused connection stays refused and reads no more`() {
    var parser = RequestParser(limits: Parsing.limits, remote: "")
    let bad = [UInt8]("GET / HTTP/9.9\r\n".utf8)
    let good = [UInt8](RequestSamples.valid[0].utf8)
    for bytes in [bad, good, good, []] {
      bytes.withUnsafeBytes { all in
        var input = all
        guard case .invalid(505, _) = parser.next(&input) else {
          Issue.record("not refused")
          return
        }
        #expect(input.count == bytes.count || bytes == bad)
      }
    }
    #expect(parser.phase == .idle)
  }

  @Test func `a head that waits for its end gives its memory back when it is refused`() {
    var parsing = Parsing()
    parsing.feed("GET / HTTP/1.1\r\nHost: a")
    #expect(parsing.parser.phase == .head)
    parsing.feed("\n")
    #expect(parsing.events == [.invalid(400)])
    #expect(parsing.parser.phase == .idle)
  }
}
