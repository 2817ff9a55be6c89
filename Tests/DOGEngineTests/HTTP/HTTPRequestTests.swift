import Testing

@testable import DOGEngine

@Suite struct HTTPRequestTests {
  private func request(_ lines: String, target: String = "/") throws -> HTTPRequest {
    try #require(Parsing.request("GET \(target) HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"))
  }

  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test func `a header is found whatever the letter case of its name`() throws {
    let request = try request("X-Thing: one\r\n")
    for name in ["X-Thing", "x-thing", "X-THING"] { #expect(text(request.header(name)) == "one") }
    #expect(request.header("X-Thin") == nil)
    #expect(request.header("X-Things") == nil)
    #expect(request.header("") == nil)
  }

  @Test func `only letters have a case`() throws {
    // '@' and '`', '[' and '{' differ by the bit that tells small letters from capitals.
    #expect(try request("X^: one\r\n").header("X~") == nil)
  }

  @Test func `several headers of one name are joined in order`() throws {
    let request = try request("X: one\r\nY: other\r\nx: two, three\r\nX:\r\n")
    #expect(text(request.header("X")) == "one, two, three, ")
  }

  @Test func `several Cookie headers are one list of cookies`() throws {
    let request = try request("Cookie: a=1; b=2\r\nX: y\r\ncookie: c=3\r\n")
    #expect(text(request.header("Cookie")) == "a=1; b=2; c=3")
  }

  @Test func `an empty header is there and empty`() throws {
    #expect(try request("X:\r\n").header("x") == [])
  }

  @Test func `headers are listed as they came and no further`() throws {
    let request = try request("B: 2\r\na: 1\r\n")
    let names = (0..<request.headerCount).map { index in
      request.headerAt(index) { name, _ in String(decoding: name, as: UTF8.self) }
    }
    #expect(names == ["Host", "B", "a"])
    #expect(request.headerAt(3) { _, _ in 0 } == nil)
    #expect(request.headerAt(-1) { _, _ in 0 } == nil)
  }

  @Test func `bytes that are not UTF-8 come through a header unchanged`() throws {
    var bytes = [UInt8]("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
    bytes += [0x80, 0xff, 0xc3]
    bytes += [UInt8]("\r\n\r\n".utf8)
    var parsing = Parsing()
    parsing.feed(bytes[...])
    #expect(parsing.requests.first?.header("x") == [0x80, 0xff, 0xc3])
  }

  @Test(arguments: [
    ("/", "/", "GET"), ("/a%20b?c=d", "/a%20b", "GET"), ("/?", "/", "GET"), ("/a?b?c", "/a", "GET"),
    ("//a//b", "//a//b", "GET"), ("/a/../b", "/a/../b", "GET"), ("/|^{}`", "/|^{}`", "GET"),
    ("http://h/a?b", "/a", "GET"), ("HTTP://h:1/a", "/a", "GET"), ("http://h", "/", "GET"),
    ("http://h?b/c", "/", "GET"), ("https://[::1]:8/", "/", "GET"), ("*", "*", "OPTIONS"),
    ("http://h/a//b?", "/a//b", "OPTIONS"),
  ])
  func `the path is the target without its query`(_ target: String, _ path: String, _ method: String) throws {
    let request = try #require(Parsing.request("\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n"))
    #expect(request.target == target)
    #expect(request.path == path)
  }

  @Test(arguments: [
    ("/?u=ann", "u", "ann"), ("/?u=ann&u=bob", "u", "ann"), ("/?x=1&u=ann", "u", "ann"), ("/?u", "u", ""),
    ("/?u=", "u", ""), ("/?u=a+b%20c", "u", "a b c"), ("/?u=a%2Bb", "u", "a+b"), ("/?u=%2541", "u", "%41"),
    ("/?%75=ann", "u", "ann"), ("/?u=a=b", "u", "a=b"), ("/?u=50%", "u", "50%"), ("/?u=%zz%4", "u", "%zz%4"),
    ("/?u=%C3%A9", "u", "é"), ("/?&&u=1&", "u", "1"), ("http://h?u=1", "u", "1"), ("/?a?u=1", "a?u", "1"),
    ("/?a+b=1", "a b", "1"), ("/?=1", "", "1"),
  ])
  func `a query parameter is decoded once`(_ target: String, _ name: String, _ value: String) throws {
    #expect(text(try request("", target: target).query(name)) == value)
  }

  @Test(arguments: [
    ("/", "u"), ("/?", "u"), ("/?v=u", "u"), ("/?U=1", "u"), ("/?uu=1", "u"), ("/u=1", "u"), ("/?a=1", ""),
  ])
  func `an absent query parameter is nil`(_ target: String, _ name: String) throws {
    #expect(try request("", target: target).query(name) == nil)
  }

  @Test func `pointers stay as long as the request`() throws {
    let request = try request("X: one\r\n", target: "/path?q")
    let first = (
      request.withPath { $0.baseAddress }, request.withTarget { $0.baseAddress }, request.headerAt(1) { $1.baseAddress }
    )
    let others = (0..<50).compactMap { Parsing.request("GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n") }
    #expect(others.count == 50)
    #expect(first.0 == request.withPath { $0.baseAddress })
    #expect(first.1 == request.withTarget { $0.baseAddress })
    #expect(first.2 == request.headerAt(1) { $1.baseAddress })
    #expect(request.path == "/path")
  }

  @Test func `a request knows its method, version and client`() throws {
    let head = try #require(Parsing.request("HEAD / HTTP/1.0\r\n\r\n"))
    #expect(head.isHEAD && !head.isGET && !head.isHTTP11)
    let get = try request("")
    #expect(get.isGET && !get.isHEAD && get.isHTTP11)
    #expect(get.remote == "127.0.0.1:5123")
  }
}
