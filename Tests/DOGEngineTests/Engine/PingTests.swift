import Testing

@testable import DOGEngine

extension EngineTests {
  /// Pings of real sockets at a time of the test's: each look at one comes a whole timeout after the last.
  @Suite struct PingTests {
    private static let stepMs: UInt64 = 1_000_000

    /// Says that `stepMs` have passed; gives back how much of what it was sent the client then has, nil when it was
    /// dropped.
    private final class Looks {
      private let worker: Worker
      private let socket: SocketHandle
      private var now = stepMs

      init(_ engine: Engine, _ socket: SocketHandle) {
        worker = engine.workers[socket.handle.worker]
        self.socket = socket
      }

      private func ask(_ question: @escaping @Sendable (WebSocket) -> Int?) -> Int? {
        let answer = Watched<Int??>(.none)
        let handle = socket.handle
        worker.post { worker in
          let found = worker.tables.sockets.find(handle).flatMap { $0.hasEnded ? nil : question($0) }
          answer.change { $0 = .some(found) }
        }
        #expect(answer.wait { $0 != .none })
        return answer.now ?? nil
      }

      var delivered: Int? { ask { $0.stream.bytesDelivered } }

      func next() -> Int? {
        now += stepMs
        return ask { [now = worker.loop.now + now] in
          $0.deadlineCame(now)
          return $0.hasEnded ? nil : $0.stream.bytesDelivered
        }
      }
    }

    private func run(_ body: (TestHost, TestClient, SocketHandle, Looks) throws -> Void) throws {
      var host = TestHost()
      host.options.pingIntervalMs = PingTests.stepMs
      host.options.pingTimeoutMs = PingTests.stepMs
      host.options.sendTotalTimeoutMs = PingTests.stepMs * 80
      host.options.outboxBytesMax = 64 << 20
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port, receiveBuffer: 4096)
        #expect(host.saw("open a"))
        let socket = try #require(host.sockets.now["a"])
        try body(host, client, socket, Looks(engine, socket))
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_ETIMEDOUT", "close a 1006 unclean"])
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `a client that reads what lies before its ping is kept, however slowly; one that stops is not`() throws {
      try run { host, client, socket, looks in
        // More than the kernel's buffers hold.
        let text = String(repeating: "x", count: 64 << 10)
        for _ in 0..<400 { #expect(socket.send(text) == .ok) }
        var delivered = try #require(looks.next())
        for _ in 0..<5 {
          #expect(try client.texts(20).count == 20)
          #expect(eventually { looks.delivered.map { $0 > delivered } ?? true })
          delivered = try #require(looks.next())
        }
        #expect(eventually { looks.next() == nil })
      }
    }

    @Test func `a client that reads and answers no ping is dropped, whatever it is sent`() throws {
      try run { host, client, socket, looks in
        var count = 0
        while looks.next() != nil {
          count += 1
          #expect(socket.send("tick") == .ok)
          #expect(try client.texts(1) == ["tick"])
          // The first pings it, and may be before the 101 was acknowledged.
          try #require(count < 4)
        }
      }
    }
  }
}
