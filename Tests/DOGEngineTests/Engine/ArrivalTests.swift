import Testing

@testable import DOGEngine

extension EngineTests {
  /// Whom a connection is from.
  @Suite struct ArrivalTests {
    /// A host that answers each request with the address it is from, and one whose log a test can read.
    private static func host(workers: Int = 1, trusted: String, proxied: Bool = false) -> (TestHost, Watched<[String]>)
    {
      var host = TestHost(workers: workers)
      let lines = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in lines.change { $0.append(line) } }
      host.options.trustedProxies = trusted
      host.identify = { $0.respond(status: 200, body: $0.request?.remote ?? "") }
      host.listening.expectsProxyHeader = proxied
      return (host, lines)
    }

    private static func remote(_ client: TestClient, _ headers: [String] = []) throws -> String? {
      try client.request("/room/x", headers: headers)
      return try client.response()?.body
    }

    @Test func `X-Forwarded-For counts from a trusted peer, for each request anew`() throws {
      let (host, _) = Self.host(trusted: "127.0.0.1, 10.0.0.0/8")
      try host.run { _, port in
        let client = try TestClient(port: port)
        #expect(try Self.remote(client, ["X-Forwarded-For: 6.6.6.6, 192.0.2.7"]) == "192.0.2.7")
        #expect(try Self.remote(client, ["x-forwarded-for: 6.6.6.6", "X-FORWARDED-FOR: 10.0.0.1"]) == "6.6.6.6")
        #expect(try Self.remote(client)?.hasPrefix("127.0.0.1:") == true)
        #expect(try Self.remote(client, ["X-Forwarded-For: [2001:db8::1]:443"]) == "[2001:db8::1]:443")
        try client.request("/room/x", method: "POST", headers: ["X-Forwarded-For: 192.0.2.8"], body: "later")
        #expect(try client.response()?.body == "192.0.2.8")
      }
    }

    @Test func `X-Forwarded-For from anybody else is not believed, and can be read`() throws {
      var (host, _) = Self.host(trusted: "127.0.0.1")
      host.identify = { request in
        let header = request.request?.header("x-forwarded-for") ?? []
        request.respond(
          status: 200, body: "\(request.request?.remote ?? "") \(String(decoding: header, as: UTF8.self))")
      }
      try host.run { _, port in
        let client = try TestClient(port: port, from: "127.0.0.2")
        let body = try #require(try Self.remote(client, ["X-Forwarded-For: 192.0.2.7"]))
        #expect(body.hasPrefix("127.0.0.2:") && body.hasSuffix(" 192.0.2.7"))
      }
    }

    private static let binary: [UInt8] =
      [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12]
      + [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb]

    static let headers: [(bytes: [UInt8], remote: String)] = [
      ([UInt8]("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".utf8), "192.0.2.7:12345"),
      ([UInt8]("PROXY TCP6 2001:db8::1 ::1 12345 443\r\n".utf8), "[2001:db8::1]:12345"),
      (binary, "192.0.2.7:12345"),
    ]

    @Test(arguments: headers)
    func `a PROXY header of a trusted peer says whom all requests are from`(header: (bytes: [UInt8], remote: String))
      throws
    {
      let (host, lines) = Self.host(trusted: "127.0.0.1", proxied: true)
      try host.run { engine, port in
        for isSplit in [false, true] {
          let client = try TestClient(port: port)
          if isSplit { for byte in header.bytes { try client.send([byte]) } } else { try client.send(header.bytes) }
          #expect(try Self.remote(client) == header.remote)
          // The client is not trusted, whoever brought it.
          #expect(try Self.remote(client, ["X-Forwarded-For: 6.6.6.6"]) == header.remote)
          client.close()
        }
        // All in one segment.
        let client = try TestClient(port: port)
        let request = "GET /room/x HTTP/1.1\r\nHost: dog\r\n\r\n"
        try client.send(header.bytes + [UInt8](request.utf8) + [UInt8](request.utf8))
        #expect(try client.response()?.body == header.remote)
        #expect(try client.response()?.body == header.remote)
        // What the engine says of it in the log is of the client.
        try client.send("GET / FTP/1\r\n\r\n")
        #expect(try client.response()?.status ?? 0 >= 400)
        #expect(lines.wait { $0.contains { $0.hasPrefix("\(header.remote): ") } })
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `a proxy that speaks for itself is who it is, and may forward in HTTP`() throws {
      let (host, _) = Self.host(trusted: "127.0.0.1", proxied: true)
      try host.run { _, port in
        let client = try TestClient(port: port)
        try client.send("PROXY UNKNOWN\r\n")
        #expect(try Self.remote(client)?.hasPrefix("127.0.0.1:") == true)
        #expect(try Self.remote(client, ["X-Forwarded-For: 192.0.2.7"]) == "192.0.2.7")
      }
    }

    @Test(arguments: ["GET /room/x HTTP/1.1\r\n\r\n", "PROXY TCP4 1.2.3.4\r\n", "\r\n\r\n\0\r\nQUIX\n"])
    func `a connection that begins with no PROXY header is closed, and the log says why`(bytes: String) throws {
      let (host, lines) = Self.host(trusted: "127.0.0.1", proxied: true)
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.send(bytes)
        #expect(try client.response() == nil)
        #expect(lines.wait { $0.contains { $0.hasPrefix("127.0.0.1:") && $0.contains("PROXY") } })
        #expect(engine.isQuiet())
        #expect(engine.stats.refused == 1)
      }
    }

    @Test func `a PROXY header of anybody else is not read: the connection is closed, and the log says why`() throws {
      let (host, lines) = Self.host(trusted: "127.0.0.1", proxied: true)
      try host.run { engine, port in
        let client = try TestClient(port: port, from: "127.0.0.2")
        try? client.send("PROXY UNKNOWN\r\n")
        #expect(try client.response() == nil)
        #expect(lines.wait { $0.contains { $0.hasPrefix("127.0.0.2:") && $0.contains("trusted_proxies") } })
        #expect(engine.isQuiet())
      }
    }

    @Test func `E2: handshake_timeout_ms: half a PROXY header is not waited for`() throws {
      var (host, lines) = Self.host(trusted: "127.0.0.1", proxied: true)
      host.options.handshakeTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.send("PROXY TCP4 ")
        #expect(try client.response() == nil)
        #expect(lines.wait { $0.contains { $0.hasPrefix("127.0.0.1:") && $0.contains("in time") } })
        #expect(engine.isQuiet())
      }
    }

    @Test func `an engine whose list of proxies is wrong is not made, and the log names the entry`() {
      let lines = Watched<[String]>([])
      var options = Options()
      options.trustedProxies = "127.0.0.1, example.com\n, ::1"
      options.log = { _, line in lines.change { $0.append(line) } }
      #expect(throws: Status.invalid) { _ = try Engine.make(options) }
      #expect(lines.now.count == 1)
      #expect(lines.now.first?.contains("trusted_proxies") == true)
      #expect(lines.now.first?.contains("\"example.com\\x0a\"") == true)
    }

    /// Sockets keep what is known of their client, on whatever worker they are.
    @Test(arguments: [1, 3], [false, true])
    func `the log tells of a socket's client, not of the proxy`(workers: Int, proxied: Bool) throws {
      var (host, lines) = Self.host(workers: workers, trusted: "127.0.0.1", proxied: proxied)
      host.identify = { $0.identify(TestHost.uid(of: $0)) }
      try host.run { _, port in
        for number in 0..<6 {
          let client = try TestClient(port: port)
          if proxied { try client.send("PROXY TCP4 192.0.2.7 10.0.0.1 \(number) 443\r\n") }
          try client.request(
            "/room/r\(number)?uid=a",
            headers: TestClient.upgradeHeaders + (proxied ? [] : ["X-Forwarded-For: 192.0.2.7:\(number)"]))
          try client.expectUpgrade()
          // A frame without a mask.
          try client.send([0x81, 0x00])
          #expect(lines.wait { $0.contains { $0.hasPrefix("192.0.2.7:\(number): 1002") } })
        }
      }
    }
  }
}
