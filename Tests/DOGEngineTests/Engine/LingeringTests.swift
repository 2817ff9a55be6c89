import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// A socket that is closed is over for the host; its TCP connection may take longer.
  @Suite struct LingeringTests {
    @Test(arguments: [1, 3])
    func `G5: a peer that keeps its connection after the closing handshake keeps no place`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(ClientFrame.close(1000))
        #expect(try client.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        // Our FIN is there, theirs is not: still a connection, no longer a socket.
        #expect(try client.next() as TestClient.Frame == .end)
        #expect(host.saw("close a 1000 clean"))
        #expect(eventually { engine.stats.places == 0 && engine.stats.sockets == 0 })
        #expect(engine.stats.connections == 1)
        // What still comes is thrown away, and resets nothing.
        try client.send(ClientFrame.text("late") + [UInt8](repeating: 0xFF, count: 1000))
        let next = try TestClient.open("/room/x?uid=b", port: port)
        #expect(engine.stats.connections == 2)
        client.close()
        #expect(eventually { engine.stats.connections == 1 })
        try next.leave()
        #expect(engine.isQuiet())
        #expect(host.lines(of: "a").count { $0.hasPrefix("close") || $0.hasPrefix("error") } == 1)
      }
    }

    @Test func `a peer that broke the protocol and stays is told, and keeps no place either`() throws {
      let host = TestHost()
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send([0xFF, 0xFF])
        #expect(try client.next() as TestClient.Frame == .close(code: 1002, reason: ""))
        #expect(try client.next() as TestClient.Frame == .end)
        #expect(eventually { engine.stats.places == 0 && engine.stats.connections == 1 })
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `close_timeout_ms: who never ends its side is reset, long after onclose`() throws {
      var host = TestHost()
      host.options.closeTimeoutMs = 300
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.sockets.wait { $0["a"] != nil })
        #expect(host.sockets.now["a"]?.close(code: 4000) == .ok)
        #expect(try client.next() as TestClient.Frame == .close(code: 4000, reason: ""))
        try client.send(ClientFrame.close(4000))
        #expect(host.saw("close a 4000 clean"))
        #expect(engine.isQuiet())
        client.close()
      }
    }

    @Test func `a reset after both close frames is clean all the same`() throws {
      let host = TestHost()
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(ClientFrame.close(1000))
        #expect(try client.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        client.reset()
        #expect(host.saw("close a 1000 clean"))
        #expect(engine.isQuiet())
        #expect(!host.journal.now.contains { $0.hasPrefix("error") })
      }
    }

    @Test(arguments: [1, 3], [true, false])
    func `E3: a stop waits for a connection that lingers, and resets it when the grace is over`(
      workers: Int, leaves: Bool
    ) throws {
      var host = TestHost(workers: workers)
      host.options.closeTimeoutMs = 60_000
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(ClientFrame.close(1000))
        #expect(try client.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        #expect(host.saw("close a 1000 clean"))
        let stopped = ForeignThread { #expect(engine.stop(graceMs: leaves ? 60_000 : 50) == .ok) }
        if leaves { client.close() }
        #expect(stopped.join())
        #expect(engine.stats.connections == 0)
        client.close()
      }
    }

    @Test func `a client that closes and sends its FIN at once still gets all that was sent before`() throws {
      var host = TestHost()
      host.onopen = { _, socket in
        // Far more than the kernel's buffers take.
        for number in 0..<300 { _ = socket.send(String(repeating: "x", count: 10_000) + "\(number)") }
      }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
        #expect(host.saw("open a"))
        try client.send(ClientFrame.close(1000))
        client.shutdown()
        let texts = try client.texts(300)
        #expect(texts.last?.hasSuffix("x299") == true)
        #expect(try client.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        #expect(try client.next() as TestClient.Frame == .end)
        #expect(host.saw("close a 1000 clean"))
        #expect(engine.isQuiet())
      }
    }

    @Test func `a FIN without a close frame: what was queued goes out, then the host hears 1006`() throws {
      var host = TestHost()
      host.onmessage = { _, socket, _ in
        for number in 0..<300 { _ = socket.send(String(repeating: "x", count: 10_000) + "\(number)") }
      }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
        try client.send(text: "go")
        client.shutdown()
        let texts = try client.texts(300)
        #expect(texts.last?.hasSuffix("x299") == true)
        #expect(try client.next() as TestClient.Frame == .end)
        #expect(host.saw("close a 1006 unclean"))
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_ERESET", "close a 1006 unclean"])
        #expect(engine.isQuiet())
      }
    }

    @Test func `requests that came before a FIN are all answered, also behind one that was waited for`() throws {
      var host = TestHost()
      let asked = Watched<RequestHandle?>(nil)
      host.receive = { _, request in asked.change { $0 = request } }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=a")
        for _ in 0..<3 { try client.request("/nowhere") }
        #expect(asked.wait { $0 != nil })
        // The FIN arrives before the answer.
        client.shutdownRead(by: engine)
        asked.now?.respond(status: 200, body: "")
        let responses = try (0..<4).map { _ in try client.response() }
        #expect(responses.map { $0?.status } == [200, 404, 404, 404])
        #expect(responses.map { $0?.headers["connection"] } == [nil, nil, nil, "close"])
        #expect(try client.response() == nil)
        #expect(engine.isQuiet())
      }
    }
  }
}
