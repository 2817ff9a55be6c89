import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule S1: `connect`, what it refuses, and in which order.
  @Suite struct UpgradeTests {
    private static func headers(_ changes: [String: [String]]) -> [String] {
      var headers = [
        "Connection": ["Upgrade"], "Upgrade": ["websocket"], "Sec-WebSocket-Version": ["13"],
        "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ=="],
      ]
      headers.merge(changes) { $1 }
      return headers.sorted { $0.key < $1.key }.flatMap { name, values in values.map { "\(name): \($0)" } }
    }

    private static func expect(
      _ status: Int, _ changes: [String: [String]], method: String = "GET", _ port: UInt16
    ) throws {
      let client = try TestClient(port: port)
      try client.request("/room/x?uid=a", method: method, headers: headers(changes))
      let response = try client.response()
      #expect(response?.status == status, "\(changes)")
    }

    private static let bad = ["Origin": ["https://evil.example"]]

    @Test func `S1: of several refusals the first is 405, then 426, then 400, then 403`() throws {
      var host = TestHost()
      host.origins = ["https://example.com"]
      let log = Watched<[String]>([])
      let statuses = Watched<[Status]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in log.change { $0.append(line) } }
      host.receive = { _, request in
        let status = request.connect(protocol: "never offered")
        statuses.change { $0.append(status) }
      }
      try host.run { engine, port in
        let broken = ["Sec-WebSocket-Key": ["x"]].merging(Self.bad) { $1 }
        let old = ["Sec-WebSocket-Version": ["8"]].merging(broken) { $1 }
        try Self.expect(405, old, method: "PUT", port)
        try Self.expect(426, old, port)
        try Self.expect(400, broken, port)
        try Self.expect(403, Self.bad, port)
        try Self.expect(500, [:], port)
        #expect(statuses.now == [.notUpgrade, .notUpgrade, .notUpgrade, .notUpgrade, .invalid])
        let refusal = "403, an origin that is not in the list"
        #expect(log.now.contains { $0.hasPrefix("127.0.0.1:") && $0.hasSuffix(refusal) })
        #expect(eventually { engine.stats.places == 0 })
      }
    }

    static let origins: [(values: [String], status: Int)] = [
      ([], 101), (["https://example.com"], 101), (["HTTPS://Example.COM:443"], 101), (["null"], 403), ([""], 403),
      (["https://example.com:444"], 403), (["http://example.com"], 403), (["https://example.com/"], 403),
      (["https://example.com", "https://example.com"], 403), (["https://example.com https://example.com"], 403),
      (["https://example.com.evil.example"], 403), (["https://evil.example"], 403), (["https://[::1]"], 403),
    ]

    @Test func `S1: an origin that is not in the list is 403`() throws {
      var host = TestHost()
      host.origins = ["https://example.com"]
      try host.run { engine, port in
        for (values, status) in Self.origins {
          try Self.expect(status, ["Origin": values], port)
        }
        #expect(engine.isQuiet())
      }
    }

    @Test func `S1: without a list any origin passes`() throws {
      let host = TestHost()
      try host.run { _, port in
        for origin in ["https://evil.example", "null", "x"] {
          try Self.expect(101, ["Origin": [origin]], port)
        }
      }
    }

    @Test func `a list with what is no origin is refused when the class is defined, and the log names it`() throws {
      for entry in ["example.com", "https://example.com/", "*", ""] {
        var host = TestHost()
        host.origins = ["https://example.com", entry]
        let log = Watched<[String]>([])
        host.options.log = { _, line in log.change { $0.append(line) } }
        #expect(throws: Status.invalid) { try host.make() }
        #expect(log.now == ["Shard class RoomShard: not an origin: \"\(entry)\""])
      }
    }

    static let repeated: [(changes: [String: [String]], status: Int)] = [
      (["Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="]], 400),
      (["Sec-WebSocket-Key": []], 400), (["Sec-WebSocket-Version": ["13", "13"]], 426),
      (["Sec-WebSocket-Version": ["13", "8"]], 426), (["Sec-WebSocket-Version": []], 426),
      (["Sec-WebSocket-Protocol": ["chat, sup er"]], 400), (["Sec-WebSocket-Protocol": [""]], 101),
      (["Sec-WebSocket-Protocol": ["a", "b/c"]], 400), (["Sec-WebSocket-Protocol": ["a", "b"]], 101),
      (["Upgrade": ["h2c", "websocket"]], 101), (["Connection": ["keep-alive", "Upgrade"]], 101),
      (["Connection": ["keep-alive"]], 426),
    ]

    @Test func `S1: a handshake header that comes twice or malformed is refused, a list may be in several`() throws {
      let host = TestHost()
      try host.run { _, port in
        for (changes, status) in Self.repeated {
          try Self.expect(status, changes, port)
        }
      }
    }

    @Test func `S1: connect chooses one of the protocols, which may come in several headers`() throws {
      for (chosen, status) in [("b", 101), ("c", 101), ("C", 500), ("a, b", 500), ("", 500), ("d", 500)] {
        var host = TestHost()
        host.receive = { _, request in _ = request.connect(protocol: chosen) }
        try host.run { _, port in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=a", headers: Self.headers(["Sec-WebSocket-Protocol": ["a, b", "c"]]))
          let response = try client.response()
          #expect(response?.status == status, "\(chosen)")
          #expect(response?.headers["sec-websocket-protocol"] == (status == 101 ? chosen : nil))
        }
      }
    }

    @Test func `S1: a header that a 101 may not carry is refused, any other goes out`() throws {
      let headers: [(HTTPHeader, Int)] = [
        (HTTPHeader(name: "X-Mine", value: "yes"), 101), (HTTPHeader(name: "Set-Cookie", value: "a=b; Path=/"), 101),
        (HTTPHeader(name: "X-Mine", value: "a\r\nX-Other: b"), 500), (HTTPHeader(name: "X-Mine", value: "a\nb"), 500),
        (HTTPHeader(name: "X-Mine", value: "a\rb"), 500), (HTTPHeader(name: "X-Mine", value: "a\0b"), 500),
        (HTTPHeader(name: "X-Mine: a\r\nY", value: "b"), 500), (HTTPHeader(name: "", value: "b"), 500),
        (HTTPHeader(name: "Content-Length", value: "0"), 500), (HTTPHeader(name: "Transfer-Encoding", value: "x"), 500),
        (HTTPHeader(name: "connection", value: "close"), 500), (HTTPHeader(name: "UPGRADE", value: "h2c"), 500),
        (HTTPHeader(name: "Sec-WebSocket-Accept", value: "x"), 500),
        (HTTPHeader(name: "sec-websocket-protocol", value: "a"), 500),
        (HTTPHeader(name: "Sec-WebSocket-Extensions", value: "permessage-deflate"), 500),
      ]
      for (header, status) in headers {
        var host = TestHost()
        let answer = Watched<Status?>(nil)
        host.receive = { _, request in
          let status = request.connect(headers: [header])
          answer.change { $0 = status }
        }
        try host.run { engine, port in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=a", headers: TestClient.upgradeHeaders)
          let response = try client.response()
          #expect(response?.status == status, "\(header)")
          #expect(answer.wait { $0 == (status == 101 ? .ok : .invalid) })
          if status == 101 { #expect(response?.headers[header.name.lowercased()] == header.value) }
          #expect(response?.headers["x-other"] == nil)
          client.close()
          #expect(engine.isQuiet())
        }
      }
    }

    @Test(arguments: [1, 3])
    func `whoever half-closes behind its handshake is upgraded all the same, and answered`(_ workers: Int) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<RequestHandle?>(nil)
      host.receive = { _, request in asked.change { $0 = request } }
      host.onmessage = { _, socket, message in socket.send(message.kind, message.bytes) }
      try host.run { engine, port in
        for number in 0..<4 {
          let client = try TestClient(port: port)
          try client.requestUpgrade("/room/\(number)")
          try client.send(ClientFrame.text("early") + (number % 2 == 0 ? ClientFrame.close(1000) : []))
          #expect(asked.wait { $0 != nil })
          // The FIN has been read when the host answers.
          client.shutdownRead(by: engine)
          asked.change { request in
            request?.connect()
            request = nil
          }
          try client.expectUpgrade()
          let frames = try [client.next() as TestClient.Frame, client.next()]
          #expect(frames == [.text("early"), number % 2 == 0 ? .close(code: 1000, reason: "") : .end])
        }
        #expect(engine.isQuiet())
      }
    }
  }
}
