import Testing

@testable import DOGEngine

extension EngineTests {
  /// The policies on what goes through a socket: its rate, its idleness, the size of its frames.
  @Suite struct TrafficTests {
    @Test func `S2: a message comes after all that was called back for before it, however much that is`() throws {
      var host = TestHost()
      let many = Callouts.atOnceMax * 3 / 2
      let answered = Watched(0)
      let seen = Watched<[String]>([])
      host.onmessage = { shard, _, message in
        let count = answered.now
        seen.change { $0.append("\(message.text) after \(count)") }
        guard message.text == "burst" else { return }
        // Without siblings each is answered as soon as this callback has returned.
        for _ in 0..<many {
          let status = "?".with { shard.gossip($0) { _, _ in answered.change { $0 += 1 } } }
          #expect(status == .ok)
        }
      }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        // In one piece: what follows is there when the first has been called back for.
        try client.send(ClientFrame.text("burst") + ClientFrame.text("next") + ClientFrame.text("last"))
        try client.leave()
        #expect(host.saw("close a 1000 clean"))
        #expect(seen.now == ["burst after 0", "next after \(many)", "last after \(many)"])
        #expect(engine.isQuiet())
      }
    }

    private static func closeFrame(of client: TestClient) throws -> TestClient.Frame {
      while true {
        let frame = try client.next() as TestClient.Frame
        switch frame {
        case .text, .binary, .ping, .pong: continue
        case .close, .end: return frame
        }
      }
    }

    static let tooMuch: [(String, @Sendable (inout Options) -> Void, [UInt8])] = [
      ("messages", { $0.messageRateMax = 5 }, (0..<20).flatMap { _ in ClientFrame.text("x") }),
      ("pings", { $0.messageRateMax = 5 }, (0..<20).flatMap { _ in ClientFrame.ping() }),
      ("a message", { $0.byteRateMax = 1000 }, ClientFrame.binary([UInt8](repeating: 0, count: 1001))),
      (
        "a message that is never complete", { $0.byteRateMax = 1000 },
        ClientFrame.header(first: 0x82, length: 100_000) + [UInt8](repeating: 0, count: 1001)
      ),
      (
        "fragments without end", { $0.byteRateMax = 1000 },
        ClientFrame.bytes(first: 0x02) + (0..<200).flatMap { _ in ClientFrame.bytes(first: 0x00) }
      ),
      ("pongs", { $0.byteRateMax = 1000 }, (0..<200).flatMap { _ in ClientFrame.pong() }),
    ]

    @Test(arguments: tooMuch, [1, 3])
    func `E2: a client over its rate is closed with 1008, after onerror, and the log says so`(
      _ excess: (String, limit: @Sendable (inout Options) -> Void, bytes: [UInt8]), workers: Int
    ) throws {
      var host = TestHost(workers: workers)
      let log = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in log.change { $0.append(line) } }
      excess.limit(&host.options)
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(excess.bytes)
        let end = try Self.closeFrame(of: client)
        #expect(end == .close(code: 1008, reason: ""))
        #expect(host.saw("close a 1008 unclean"))
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_ERATE", "close a 1008 unclean"])
        #expect(log.now.contains { $0.hasPrefix("127.0.0.1:") && $0.hasSuffix("went over its rate") })
        client.close()
        #expect(engine.isQuiet())
        #expect(engine.stats.rateLimited == 0)
      }
    }

    @Test(arguments: [1, 3])
    func `E2: by the other policy what is over is thrown away, counted, and the socket lives`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.messageRateMax = 1
      host.options.messageBurstMax = 3
      host.options.ratePolicy = .drop
      host.onmessage = { _, socket, message in _ = socket.send(message.text) }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send((0..<10).flatMap { ClientFrame.text("\($0)") } + ClientFrame.ping())
        #expect(eventually { engine.stats.rateLimited == 8 })
        // The bucket fills: a later one passes.
        let texts = try client.texts(3)
        #expect(texts == ["0", "1", "2"])
        #expect(
          eventually {
            try? client.send(text: "later")
            return host.journal.now.contains("message a later")
          })
        try client.leave()
        #expect(host.saw("close a 1000 clean"))
        #expect(engine.isQuiet())
        #expect(!host.journal.now.contains("message a 3"))
      }
    }

    @Test func `E2: within its rate a client notices nothing`() throws {
      var host = TestHost()
      host.options.messageRateMax = 10
      host.options.byteRateMax = 10_000
      host.onmessage = { _, socket, message in _ = socket.send(message.text) }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send((0..<10).flatMap { ClientFrame.text("\($0)") })
        let texts = try client.texts(10)
        #expect(texts == (0..<10).map { "\($0)" })
        try client.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `E2: frame_bytes_max: 1009 from the header alone, while a message in smaller frames passes`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      host.options.frameBytesMax = 100
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let piece = [UInt8](repeating: 0x61, count: 100)
        try client.send(ClientFrame.fragments([piece, piece]) + ClientFrame.header(first: 0x81, length: 101))
        let end = try Self.closeFrame(of: client)
        #expect(end == .close(code: 1009, reason: ""))
        client.close()
        #expect(engine.isQuiet())
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_ETOOBIG", "close a 1009 unclean"])
        #expect(host.journal.now.contains { $0.hasPrefix("message a aaaa") })
      }
    }

    @Test(arguments: [0, 50] as [UInt64])
    func `E2: idle_timeout_ms: a socket without messages is closed with 1001, pings or not`(
      pingIntervalMs: UInt64
    ) throws {
      var host = TestHost()
      host.options.idleTimeoutMs = 400
      host.options.pingIntervalMs = pingIntervalMs
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(ClientFrame.ping() + ClientFrame.pong())
        while true {
          let frame = try client.next() as TestClient.Frame
          if case .ping(let payload) = frame {
            try client.send(ClientFrame.pong(payload))
            continue
          }
          if case .pong = frame { continue }
          #expect(frame == .close(code: 1001, reason: ""))
          break
        }
        try client.send(ClientFrame.close(1001))
        #expect(host.saw("close a 1001 clean"))
        #expect(!host.journal.now.contains { $0.hasPrefix("error a") })
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `E2: a socket that hears or is told something is not idle`() throws {
      var host = TestHost()
      host.options.idleTimeoutMs = 600
      try host.run { [host] _, port in
        let speaker = try TestClient.open("/room/x?uid=speaker", port: port)
        let hearer = try TestClient.open("/room/x?uid=hearer", port: port)
        let silent = try TestClient.open("/room/y?uid=silent", port: port)
        let heard = ForeignThread {
          // Broadcast, and direct in turns, until the one that nobody speaks to is gone.
          while !host.journal.now.contains("close silent 1001 clean") {
            try? speaker.send(text: "x")
            let shard = host.shards.now.first
            _ = "b".with { shard?.broadcast(.text, $0) }
            _ = host.sockets.now["hearer"]?.send("d")
          }
        }
        let end = try Self.closeFrame(of: silent)
        #expect(end == .close(code: 1001, reason: ""))
        try silent.send(ClientFrame.close(1001))
        // The two are read until the thread is done.
        let reader = ForeignThread { while case .text? = try? hearer.next() as TestClient.Frame {} }
        let other = ForeignThread { while case .text? = try? speaker.next() as TestClient.Frame {} }
        #expect(heard.join())
        #expect(!host.journal.now.contains { $0.hasPrefix("close hearer") || $0.hasPrefix("close speaker") })
        for uid in ["hearer", "speaker"] { #expect(host.sockets.now[uid]?.close(code: 1000) == .ok) }
        #expect(reader.join() && other.join())
      }
    }

    @Test(arguments: [1, 3])
    func `what comes with an upgrade counts once`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      try host.run { engine, port in
        let message = ClientFrame.text("hello")
        var sent = 0
        for number in 0..<4 {
          let client = try TestClient(port: port)
          let lines = ["GET /room/x?uid=u\(number) HTTP/1.1", "Host: dog"] + TestClient.upgradeHeaders + ["", ""]
          let bytes = [UInt8](lines.joined(separator: "\r\n").utf8) + message
          try client.send(bytes)
          sent += bytes.count
          try client.expectUpgrade()
          #expect(host.saw("message u\(number) hello"))
          #expect(engine.stats.bytesIn == sent)
          sent += ClientFrame.close(1000).count
          try client.leave()
        }
        #expect(engine.isQuiet())
      }
    }
  }
}
