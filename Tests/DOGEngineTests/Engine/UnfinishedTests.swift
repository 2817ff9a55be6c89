import Testing

@testable import DOGEngine

extension EngineTests {
  /// A message or a request that begins and does not end: how long, and how much of it, a worker holds.
  @Suite struct UnfinishedTests {
    static let timeoutMs: UInt64 = 1_000_000

    private static func makeHost(workers: Int = 1) -> TestHost {
      var host = TestHost(workers: workers)
      host.options.pingIntervalMs = 0
      host.options.messageTimeoutMs = timeoutMs
      host.deflate = DeflateSettings()
      return host
    }

    /// Bytes that the workers hold of what is unfinished.
    private func held(_ engine: Engine) -> Int {
      engine.workers.reduce(0) { sum, worker in
        let answer = Watched<Int?>(nil)
        worker.post { worker in answer.change { $0 = worker.unfinished.bytes } }
        #expect(answer.wait { $0 != nil })
        return sum + (answer.now ?? 0)
      }
    }

    @Test(arguments: [1, 3])
    func `message_timeout_ms: a message has its time from its first byte, whatever pings come between`(
      workers: Int
    ) throws {
      let host = UnfinishedTests.makeHost(workers: workers)
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.saw("open a"))
        try client.send(ClientFrame.bytes(first: 0x01, [UInt8]("begun".utf8)))
        for _ in 0..<2 {
          try client.send(ClientFrame.ping([1]))
          #expect(try client.next() as TestClient.Frame == .pong([1]))
          clock.pass(UnfinishedTests.timeoutMs * 4 / 10)
        }
        #expect(engine.stats.sockets == 1)
        clock.pass(UnfinishedTests.timeoutMs * 4 / 10)
        #expect(try client.next() as TestClient.Frame == .close(code: 1008, reason: ""))
        client.close()
        #expect(engine.isQuiet())
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_ETIMEDOUT", "close a 1008 unclean"])
        #expect(held(engine) == 0)
      }
    }

    /// Whose message has taken longest.
    private func oldest(_ engine: Engine) -> Handle? {
      let answers = Watched<[Handle?]>([])
      engine.workers[0].post { worker in
        var list = worker.unfinished
        let oldest = list.takeOldest()
        answers.change { $0.append(oldest) }
      }
      #expect(answers.wait { !$0.isEmpty })
      return answers.now.first ?? nil
    }

    @Test func `each message and each ping begins anew, also where something is unfinished all the time`() throws {
      let host = UnfinishedTests.makeHost()
      try host.run { engine, port in
        let (message, ping) = (ClientFrame.text("whole"), ClientFrame.ping([7]))
        let torn = try TestClient.open("/room/x?uid=torn", port: port)
        let begun = try TestClient.open("/room/x?uid=begun", port: port)
        #expect(host.sockets.wait { $0.count == 2 })
        let (first, second) = (host.sockets.now["torn"]?.handle, host.sockets.now["begun"]?.handle)
        let count = engine.stats.bytesIn
        try torn.send([UInt8](message.prefix(4)))
        #expect(eventually { engine.stats.bytesIn == count + 4 })
        try begun.send(ClientFrame.bytes(first: 0x01, [1]) + ClientFrame.ping())
        #expect(try begun.next() as TestClient.Frame == .pong([]))
        #expect(oldest(engine) == first)
        // The end of one comes with the beginning of the next.
        try torn.send([UInt8](message.dropFirst(4)) + [UInt8](ping.prefix(3)))
        #expect(host.saw("message torn whole"))
        #expect(oldest(engine) == second)
        try begun.send(ClientFrame.bytes(first: 0x80, [1]) + ClientFrame.bytes(first: 0x01, [1]) + ClientFrame.ping())
        #expect(try begun.next() as TestClient.Frame == .pong([]))
        #expect(oldest(engine) == first)
        try torn.send([UInt8](ping.dropFirst(3)) + [UInt8](message.prefix(4)))
        #expect(try torn.next() as TestClient.Frame == .pong([7]))
        #expect(oldest(engine) == second)
        torn.close()
        begun.close()
        #expect(engine.isQuiet())
        #expect(held(engine) == 0)
      }
    }

    @Test func `unfinished_bytes_max: a worker that holds too much ends the message that has taken longest`() throws {
      var host = UnfinishedTests.makeHost()
      host.options.unfinishedBytesMax = 3 << 20
      let log = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in log.change { $0.append(line) } }
      try host.run { engine, port in
        // Each inflates to just under a megabyte.
        let fragment = ClientFrame.bytes(first: 0x41, Deflated.payload([UInt8](repeating: 0x61, count: 1_000_000)))
        #expect(fragment.count < 2000)
        var clients: [TestClient] = []
        for number in 0..<20 {
          let client = try TestClient.open(
            "/room/x?uid=u\(number)", port: port, extensions: "permessage-deflate")
          clients.append(client)
          try client.send(fragment + ClientFrame.ping())
          #expect(try client.next() as TestClient.Frame == .pong([]))
          #expect(held(engine) <= 3 << 20)
        }
        #expect(held(engine) > 1 << 20)
        // Two at least are held, and those that began last.
        for (number, client) in clients.enumerated().dropLast(3) {
          #expect(try client.next() as TestClient.Frame == .close(code: 1013, reason: ""))
          #expect(host.saw("close u\(number) 1013 unclean"))
          #expect(host.lines(of: "u\(number)").suffix(2).first == "error u\(number) DOG_EFULL")
        }
        try clients[19].send(ClientFrame.bytes(first: 0x80, []))
        #expect(host.journal.wait { $0.contains { $0.hasPrefix("message u19 aaa") } })
        #expect(log.now.contains { $0.contains("1013") && $0.contains("unfinished_bytes_max") })
        for client in clients { client.close() }
        #expect(engine.isQuiet())
        #expect(held(engine) == 0)
      }
    }

    @Test func `unfinished_bytes_max: requests count too, and the one that has taken longest gets 503`() throws {
      var host = UnfinishedTests.makeHost()
      host.options.unfinishedBytesMax = 1 << 20
      try host.run { engine, port in
        let head = "POST /room/x?uid=a HTTP/1.1\r\nHost: dog\r\nContent-Length: 700000\r\n\r\n"
        let part = String(repeating: "x", count: 600_000)
        let first = try TestClient(port: port)
        try first.send(head + part)
        #expect(eventually { held(engine) >= 600_000 })
        let second = try TestClient(port: port)
        try second.send(head + part)
        #expect(try first.response()?.status == 503)
        try second.send(String(repeating: "x", count: 100_000))
        #expect(try second.response()?.status == 200)
        #expect(held(engine) == 0)
        first.close()
        second.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `byte_rate_max: a compressed message counts for what it inflates to`() throws {
      var host = UnfinishedTests.makeHost()
      host.options.byteRateMax = 1
      host.options.byteBurstMax = 100_000
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port, extensions: "permessage-deflate")
        try client.send(Deflated.binary(Deflated.payload([UInt8](repeating: 0, count: 60_000))))
        #expect(host.journal.wait { $0.contains { $0.hasPrefix("message a") } })
        try client.send(Deflated.binary(Deflated.payload([UInt8](repeating: 0, count: 60_000))))
        #expect(try client.next() as TestClient.Frame == .close(code: 1008, reason: ""))
        #expect(host.saw("error a DOG_ERATE"))
        client.close()
        #expect(engine.isQuiet())
      }
    }
  }
}
