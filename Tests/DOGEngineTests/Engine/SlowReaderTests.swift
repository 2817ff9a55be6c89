import Testing

@testable import DOGEngine

extension EngineTests {
  /// A client that reads slowly but steadily gets everything, whatever waits for it to be done; one that does not read,
  /// or a byte at a time, is not waited for for ever.
  @Suite struct SlowReaderTests {
    static let timeoutMs: UInt64 = 1_000_000
    /// Almost a timeout: as long as nothing else moves, two of them are too much.
    static let stepMs = timeoutMs * 9 / 10
    /// More than the kernel's buffers hold.
    static let large = 12 << 20

    static func makeHost(workers: Int = 1) -> TestHost {
      var host = TestHost(workers: workers)
      host.options.closeTimeoutMs = timeoutMs
      host.options.bodyTimeoutMs = timeoutMs
      host.options.keepaliveTimeoutMs = timeoutMs
      host.options.pingIntervalMs = 0
      host.options.sendTotalTimeoutMs = timeoutMs * 80
      host.options.outboxBytesMax = 64 << 20
      host.receive = { shard, request in
        guard request.uid?.description == "large" else { return TestHost.welcome(shard, request) }
        request.respond(status: 200, body: String(repeating: "x", count: large))
      }
      return host
    }

    /// Reads a response of `large` bytes, by steps.
    static func readLarge(_ client: TestClient, _ clock: TestClock) throws {
      #expect(try client.head()?.status == 200)
      var left = large
      try clock.pass(stepMs) {
        let size = min(left, 1 << 18)
        let bytes = try client.bytes(size)
        #expect(bytes.allSatisfy { $0 == UInt8(ascii: "x") })
        left -= size
        return left > 0
      }
    }

    @Test func `a response with Connection: close arrives whole, and then the client has its time to close`() throws {
      try SlowReaderTests.makeHost().run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x?uid=large", headers: ["Connection: close"])
        try SlowReaderTests.readLarge(client, clock)
        #expect(try client.rest() == "")
        #expect(engine.stats.connections == 1)
        clock.pass(SlowReaderTests.timeoutMs)
        clock.pass(SlowReaderTests.timeoutMs)
        #expect(engine.isQuiet())
        client.close()
      }
    }

    @Test func `a connection that is kept alive is not idle as long as its client reads a response`() throws {
      try SlowReaderTests.makeHost().run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x?uid=large")
        try SlowReaderTests.readLarge(client, clock)
        try client.request("/room/x?uid=a")
        #expect(try client.response()?.status == 200)
        clock.pass(SlowReaderTests.timeoutMs)
        clock.pass(SlowReaderTests.timeoutMs)
        #expect(engine.isQuiet())
        client.close()
      }
    }

    @Test func `a client that ends its own side gets the whole response, and is then gone`() throws {
      try SlowReaderTests.makeHost().run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x?uid=large")
        client.shutdown()
        try SlowReaderTests.readLarge(client, clock)
        #expect(try client.rest() == "")
        #expect(engine.isQuiet())
        client.close()
      }
    }

    @Test func `a streamed response arrives whole at a client that has ended its own side`() throws {
      var host = SlowReaderTests.makeHost()
      let ended = Watched<[Status]>([])
      host.receive = { _, request in
        request.respondBegin(status: 200, onend: { _, status in ended.change { $0.append(status) } })
        for _ in 0..<12 { #expect(request.write(String(repeating: "x", count: 1 << 20)) == .ok) }
        request.end()
      }
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x?uid=a")
        client.shutdown()
        #expect(try client.head()?.status == 200)
        var chunks = 0
        try clock.pass(SlowReaderTests.stepMs) {
          let chunk = try client.chunk()
          #expect(chunk.utf8.count == (chunks < 12 ? 1 << 20 : 0))
          chunks += 1
          return !chunk.isEmpty
        }
        #expect(chunks == 13)
        #expect(ended.wait { $0 == [.ok] })
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `what was sent before a close arrives whole, with the close frame`(workers: Int) throws {
      var host = SlowReaderTests.makeHost(workers: workers)
      host.onmessage = { _, socket, _ in
        for _ in 0..<12 { #expect(socket.send(String(repeating: "x", count: 1 << 20)) == .ok) }
        #expect(socket.close(code: 4000) == .ok)
      }
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
        try client.send(text: "go")
        var frames: [TestClient.Frame] = []
        try clock.pass(SlowReaderTests.stepMs) {
          frames.append(try client.next())
          return frames.count < 13
        }
        #expect(frames.dropLast().allSatisfy { $0 == .text(String(repeating: "x", count: 1 << 20)) })
        #expect(frames.last == .close(code: 4000, reason: ""))
        try client.send(ClientFrame.close(4000))
        #expect(try client.next() as TestClient.Frame == .end)
        client.close()
        #expect(host.saw("close a 4000 clean"))
        #expect(engine.isQuiet())
      }
    }

    @Test func `a client that closes gets what was sent to it before, slowly, and our close frame`() throws {
      var host = SlowReaderTests.makeHost()
      host.onmessage = { _, socket, _ in
        for _ in 0..<12 { #expect(socket.send(String(repeating: "x", count: 1 << 20)) == .ok) }
      }
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
        try client.send(ClientFrame.text("go") + ClientFrame.close(1000))
        var frames = 0
        try clock.pass(SlowReaderTests.stepMs) {
          let frame = try client.next() as TestClient.Frame
          if frames == 12 { #expect(frame == .close(code: 1000, reason: "")) }
          frames += 1
          return frames < 13
        }
        #expect(try client.next() as TestClient.Frame == .end)
        client.close()
        #expect(engine.isQuiet())
        #expect(host.saw("close a 1000 clean"))
      }
    }

    enum Sent: CaseIterable { case response, stream, messages }

    @Test(arguments: Sent.allCases, [false, true])
    func `a client that takes nothing is reset by the timeout, one that takes little by the total`(
      _ sent: Sent, _ trickles: Bool
    ) throws {
      var host = SlowReaderTests.makeHost()
      host.options.sendTotalTimeoutMs = SlowReaderTests.timeoutMs * 5
      let welcome = host.receive
      host.receive = { shard, request in
        guard request.uid?.description == "stream" else { return try welcome(shard, request) }
        request.respondBegin(status: 200)
        for _ in 0..<12 { #expect(request.write(String(repeating: "x", count: 1 << 20)) == .ok) }
      }
      host.onmessage = { _, socket, _ in
        for _ in 0..<12 { #expect(socket.send(String(repeating: "x", count: 1 << 20)) == .ok) }
        #expect(socket.close(code: 4000) == .ok)
      }
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client: TestClient
        switch sent {
        case .response, .stream:
          client = try TestClient(port: port, receiveBuffer: 4096)
          try client.request("/room/x?uid=\(sent == .stream ? "stream" : "large")")
          #expect(try client.head()?.status == 200)
        case .messages:
          client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
          try client.send(text: "go")
          #expect(try client.bytes(1).count == 1)
        }
        var steps = 0
        while engine.stats.connections > 0, steps < 10 {
          let before = clock.sent.delivered
          if trickles {
            _ = try client.bytes(1 << 18)
            #expect(eventually { clock.sent.delivered > before })
          }
          clock.pass(SlowReaderTests.stepMs)
          steps += 1
        }
        // The timeout is over at the second step, of which the first may have seen the last of it move; the total at
        // the sixth.
        #expect(trickles ? steps == 6 : 2...3 ~= steps)
        #expect(engine.isQuiet())
        client.close()
      }
    }

    @Test func `body_total_timeout_ms: a body that comes a byte at a time has no more time than another`() throws {
      var host = SlowReaderTests.makeHost()
      host.options.bodyTotalTimeoutMs = SlowReaderTests.timeoutMs / 2
      try host.run { engine, port in
        let clock = TestClock(engine)
        let client = try TestClient(port: port)
        let head = "POST /room/x?uid=a HTTP/1.1\r\nHost: dog\r\nContent-Length: 100\r\n\r\n"
        try client.send(head)
        #expect(eventually { engine.stats.bytesIn == head.utf8.count })
        clock.pass(SlowReaderTests.timeoutMs * 4 / 10)
        try client.send("x")
        #expect(eventually { engine.stats.bytesIn == head.utf8.count + 1 })
        #expect(engine.stats.refused == 0)
        clock.pass(SlowReaderTests.timeoutMs * 2 / 10)
        #expect(try client.response()?.status == 408)
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `requests behind one that waits are moved in memory a bounded number of times`() throws {
      var host = SlowReaderTests.makeHost()
      let asked = Watched<[RequestHandle]>([])
      host.receive = { _, request in asked.change { $0.append(request) } }
      // Answered from another thread, so that each waits for its answer.
      func moved(_ count: Int) throws -> Int {
        var bytes = 0
        try host.run { engine, port in
          let client = try TestClient(port: port)
          let request = "GET /room/x HTTP/1.1\r\nHost: a\r\n\r\n"
          try client.send(String(repeating: request, count: count))
          for _ in 0..<count {
            #expect(asked.wait { !$0.isEmpty })
            let next = asked.change { $0.removeFirst() }
            #expect(next.respond(status: 200, body: "") == .ok)
          }
          for _ in 0..<count { #expect(try client.response()?.status == 200) }
          let answer = Watched<Int?>(nil)
          engine.workers[0].post { worker in
            worker.tables.connections.forEach { connection in answer.change { $0 = connection.ahead.bytesMoved } }
          }
          #expect(answer.wait { $0 != nil })
          bytes = answer.now ?? 0
          client.close()
          #expect(engine.isQuiet())
        }
        return bytes
      }
      let once = try moved(1000)
      let twice = try moved(2000)
      #expect(once > 0 && twice < once * 3, "\(once) bytes for 1,000 requests, \(twice) for 2,000")
    }
  }
}
