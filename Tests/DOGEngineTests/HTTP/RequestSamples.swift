/// Byte strings that more than one test is about.
enum RequestSamples {
  /// Valid ones, each a whole request.
  static let valid: [String] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /rooms/lobby?u=ann HTTP/1.1\r\nHost: 127.0.0.1:8787\r\nAccept: */*\r\nX-Empty:\r\nX-Tab:\tb \t c\t \r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://host.example:80/a?b HTTP/1.1\r\nHost: host.example:80\r\n\r\n",
    "GET https://host.example?b HTTP/1.1\r\nHost: host.example\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      + "1 ;a\r\nh\r\n01;a;b ; c = d;e=\"f;\\\"\u{e9} g\" ;h\r\ni\r\n00;z\r\nX-Content-Length: 1\r\nHosts:\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0002\r\n\r\nhi",
    "GET HTTP://A.example HTTP/1.1\r\nHost: b\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    """
    GET /ws HTTP/1.1\r
    Host: a\r
    Connection: keep-alive, Upgrade\r
    Upgrade: websocket\r
    Sec-WebSocket-Version: 13\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    \r

    """,
    "GET / HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "v", count: 700))\r\nCookie: a=1; b=2\r\n\r\n",
  ]

  struct Refused: CustomStringConvertible, Sendable {
    let status: Int
    let text: String
    var description: String { "\(status) for \(text.debugDescription)" }

    init(_ status: Int, _ text: String) {
      self.status = status
      self.text = text
    }
  }

  /// A request with one header besides Host.
  static func header(_ status: Int, _ lines: String) -> Refused {
    Refused(status, "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n")
  }

  /// A request with this target.
  static func target(_ status: Int, _ target: String, method: String = "GET") -> Refused {
    Refused(status, "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
  }

  /// A chunked request with this body.
  static func chunks(_ status: Int, _ body: String) -> Refused {
    Refused(status, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
  }

  static let refused: [Refused] = requestLines + hosts + headers + framings + chunkings

  private static let requestLines: [Refused] = [
    // The shape of the line.
    Refused(400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
    Refused(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    Refused(400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    Refused(400, "GET /\r\n\r\n"),
    Refused(400, "GET / \r\n\r\n"),
    Refused(400, "\u{16}\u{3}\u{1}\u{2}"),
    // The version.
    Refused(505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    Refused(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    Refused(505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    Refused(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Refused(400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/11\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / RTSP/1.0\r\nHost: a\r\n\r\n"),
    Refused(400, "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n"),
    // The method.
    Refused(501, "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "GETX / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "PRI / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(501, "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refused(400, "GÄT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    // The target.
    target(400, "/a#b"), target(400, "/é"), target(400, "/a\u{7f}"), target(400, "/a\u{1}"), target(400, "/\"a\""),
    target(400, "/<a>"), target(400, "foo"), target(400, "*"), target(400, "*foo", method: "OPTIONS"),
    target(400, "?a=b"), target(400, "http:/a"), target(400, "http://"), target(400, "http:///a"),
    target(400, "http://?a"), target(400, "http://u:p@a/"), target(400, "http://a:b/"), target(400, "ftp://a/"),
    target(400, "a:80"), target(400, "http://a\\b/"), target(400, "/a\\b"), target(400, "/..\\..\\a?b"),
    target(400, "http://a/\\b"), target(400, "http://[a]/"), target(400, "http://[::1:]/"),
  ]

  private static let hosts: [Refused] = [
    Refused(400, "GET / HTTP/1.1\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"), Refused(400, "GET / HTTP/1.1\r\nHost: \t\r\n\r\n"),
    Refused(400, "GET / HTTP/1.0\r\nHost:\r\n\r\n"), Refused(400, "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"),
    Refused(400, "GET http://a/ HTTP/1.1\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"),
    Refused(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a,b\u{e9}\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [a]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [1:2:3]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [:::]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [127.0.0.1]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [::1%25lo]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [v1.]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [v.a]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [vx.a]\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
    Refused(400, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"),
  ]

  private static let headers: [Refused] = [
    Refused(400, "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    Refused(400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
    header(400, "X: a\rb"), header(400, "X: a\nY: b"), header(400, "X:\nY: b"), header(400, "X:\rY: b"),
    header(400, "X: a\r\n b"), header(400, "X: a\r\n\tb"), header(400, "X:\r\n b"), header(400, " X: a"),
    header(400, "X : a"), header(400, "X\t: a"), header(400, ": a"), header(400, "X"), header(400, "X a"),
    header(400, "X\u{0}: a"), header(400, "X: a\u{0}"), header(400, "X: \u{1}"), header(400, "X: \u{b}"),
    header(400, "X: \u{7f}"), header(400, "X@: a"), header(400, "X\"Y: a"), header(400, "Xé: a"),
    header(400, "(X): a"), header(417, "Expect: something"), header(417, "Expect: 100-continue, x"),
    header(417, "Expect:"),
  ]

  private static let framings: [Refused] = [
    header(400, "Content-Length: 3\r\nContent-Length: 3"), header(400, "Content-Length: 3\r\nContent-Length: 4"),
    header(400, "Content-Length: 3, 3"), header(400, "Content-Length: +3"), header(400, "Content-Length: -3"),
    header(400, "Content-Length: 0x3"), header(400, "Content-Length: 3 4"), header(400, "Content-Length:"),
    header(400, "Content-Length: "), header(400, "Content-Length: 3a"), header(400, "Content-Length: 3\u{b}"),
    header(400, "Content-Length : 3"), header(400, "Content-Length: 18446744073709551616"),
    header(400, "Content-Length: \(String(repeating: "9", count: 60))"), header(400, "Content-Length: ٣"),
    header(413, "Content-Length: 18446744073709551615"), header(413, "Content-Length: 9223372036854775808"),
    header(413, "Content-Length: 1048577"),
    // CL.TE and TE.CL
    header(400, "Content-Length: 5\r\nTransfer-Encoding: chunked"),
    header(400, "Transfer-Encoding: chunked\r\nContent-Length: 5"),
    header(400, "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5"),
    header(400, "Transfer-Encoding:\r\nContent-Length: 5"),
    // TE.TE
    header(400, "Transfer-Encoding: chunked, identity"), header(400, "Transfer-Encoding: identity"),
    header(400, "Transfer-Encoding: xchunked"), header(400, "Transfer-Encoding: chunkedx"),
    header(400, "Transfer-Encoding: x chunked"), header(400, "Transfer-Encoding: chunked x"),
    header(400, "Transfer-Encoding: \"chunked\""), header(400, "Transfer-Encoding: chunked;q=1"),
    header(400, "Transfer-Encoding: chunked, chunked"), header(400, "Transfer-Encoding: ,chunked"),
    header(400, "Transfer-Encoding: chunked,"), header(400, "Transfer-Encoding:"),
    header(400, "Transfer-Encoding: chunked, gzip, chunked"), header(400, "Transfer-Encoding:\u{b}chunked"),
    header(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    header(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    header(400, "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
    header(400, "Transfer-Encoding: chunked\r\n , identity"), header(400, "Transfer-Encoding : chunked"),
    header(400, "Transfer-Encoding\r\n : chunked"), header(501, "Transfer-Encoding: gzip, chunked"),
    header(501, "Transfer-Encoding: identity, chunked"),
    Refused(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
  ]

  private static let chunkings: [Refused] = [
    chunks(400, "3\nabc\n0\n\n"), chunks(400, "3\r\nabc\n0\r\n\r\n"), chunks(400, "3\r\nabcd\r\n0\r\n\r\n"),
    chunks(400, "3\r\nabcXX0\r\n\r\n"), chunks(400, "3\r\nabc\rX"), chunks(400, "0x3\r\nabc\r\n0\r\n\r\n"),
    chunks(400, " 3\r\nabc\r\n0\r\n\r\n"), chunks(400, "3 \r\nabc\r\n0\r\n\r\n"), chunks(400, "3\t\r\nabc"),
    chunks(400, "\r\n3\r\nabc\r\n0\r\n\r\n"), chunks(400, "-3\r\nabc\r\n0\r\n\r\n"), chunks(400, "g\r\n"),
    chunks(400, ";a=b\r\nabc"), chunks(400, "3 ;\r\nabc"), chunks(400, "3\rX"), chunks(400, "3;a\nb\r\n"),
    chunks(400, "3;a\rb\r\n"), chunks(400, "3;a\u{0}b\r\n"), chunks(400, "3;a=\"\n\"\r\n"),
    chunks(400, "00000000000000003\r\nabc"), chunks(400, "10000000000000000\r\n"),
    chunks(413, "ffffffffffffffff\r\nabc"), chunks(413, "7fffffffffffffff\r\nabc"), chunks(413, "100001\r\nabc"),
    chunks(413, "3\r\nabc\r\nFFFFF\r\n\(String(repeating: "x", count: 0xFFFFF))\r\n"),
    chunks(400, "0\r\n\n"), chunks(400, "0\r\n\rX"), chunks(400, "0\r\nX: y\n\r\n"), chunks(400, "0\r\nX\r\n\r\n"),
    chunks(400, "0\r\n: y\r\n\r\n"), chunks(400, "0\r\n X: y\r\n\r\n"), chunks(400, "0\r\nX : y\r\n\r\n"),
    chunks(400, "3;\r\nabc"), chunks(400, "3;a;\r\nabc"), chunks(400, "3;=b\r\nabc"), chunks(400, "3;a=\r\nabc"),
    chunks(400, "3;a=b c\r\nabc"), chunks(400, "3;a b\r\nabc"), chunks(400, "3;a=\"b\r\nabc"),
    chunks(400, "3;a=\"b\"c\r\nabc"), chunks(400, "3;a=b \r\nabc"), chunks(400, "3;a\t\r\nabc"),
    chunks(400, "3;a=\"b\\\r\nabc"), chunks(400, "3;a,b\r\nabc"), chunks(400, "3;a=b\u{7f}\r\nabc"),
    chunks(400, "0;\r\n\r\n"), chunks(400, "3;a=b\n\r\nabc"),
    chunks(400, "0\r\nContent-Length: 3\r\n\r\n"), chunks(400, "0\r\nX: y\r\ntransfer-ENCODING: chunked\r\n\r\n"),
    chunks(400, "0\r\nHost: b\r\n\r\n"),
    chunks(400, "0\r\nX: y\r\n z\r\n\r\n"), chunks(400, "0\r\nX: \u{0}\r\n\r\n"), chunks(400, "0\r\nX: \u{7f}\r\n\r\n"),
    chunks(431, "0\r\nX: \(String(repeating: "y", count: 16_384))"),
    chunks(431, "1;\(String(repeating: "y", count: 16_385))"),
  ]
}
