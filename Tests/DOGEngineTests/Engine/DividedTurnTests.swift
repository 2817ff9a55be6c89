import Testing

@testable import DOGEngine

extension EngineTests {
  /// What a worker writes in one turn has a bound; the rest goes on in the next, in order.
  @Suite struct DividedTurnTests {
    private static let turnBytes = 64 << 10

    private static func words(_ count: Int, _ seed: UInt64) -> String {
      var random = TestRandom(seed: seed)
      return String(decoding: (0..<count).map { _ in UInt8(97 + random.below(26)) }, as: UTF8.self)
    }

    /// What each turn of an engine's first worker writes from now on, of turns that write something.
    private static func watchTurns(of engine: Engine) -> Watched<[Int]> {
      let turns = Watched<[Int]>([])
      let isWatching = Gate()
      engine.workers[0].post { worker in
        let end = worker.loop.onTurnEnd
        var before = worker.counters.value(.bytesOut)
        worker.loop.onTurnEnd = { [unowned worker] in
          end()
          let written = worker.counters.value(.bytesOut)
          if written > before { turns.change { $0.append(written - before) } }
          before = written
        }
        isWatching.open()
      }
      isWatching.pass()
      return turns
    }

    @Test(arguments: [nil, "permessage-deflate"])
    func `a broadcast to many goes out in turns, each of which writes no more than it may`(_ offer: String?) throws {
      var host = TestHost()
      host.deflate = DeflateSettings()
      host.options.writeTurnBytesMax = Self.turnBytes
      let text = Self.words(32 << 10, 1)
      host.onmessage = { shard, _, _ in _ = text.with { shard.broadcast(.text, $0) } }
      try host.run { engine, port in
        let clients = try (0..<40).map { index in
          try TestClient.open("/room/x?uid=\(index)", port: port, extensions: offer)
        }
        let turns = Self.watchTurns(of: engine)
        try clients[0].send(text: "go")
        for client in clients {
          let isRight = try client.texts(1) == [text]
          #expect(isRight)
        }
        let least = 40 * (offer == nil ? text.utf8.count : text.utf8.count / 2)
        #expect(turns.wait { $0.reduce(0, +) >= least })
        #expect((turns.now.max() ?? 0) <= Self.turnBytes + Outbox.pieceBytesMin)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `many small messages are divided by what a write costs`() throws {
      var host = TestHost()
      host.options.writeTurnBytesMax = 16 << 10
      host.onmessage = { shard, _, _ in _ = "hello".with { shard.broadcast(.text, $0) } }
      try host.run { engine, port in
        let clients = try (0..<80).map { try TestClient.open("/room/x?uid=\($0)", port: port) }
        let turns = Self.watchTurns(of: engine)
        try clients[0].send(text: "go")
        for client in clients {
          let heard = try client.texts(1)
          #expect(heard == ["hello"])
        }
        // 7 bytes each, and 519 with the write: 32 of them in a turn.
        #expect(turns.wait { $0.reduce(0, +) >= 80 * 7 })
        #expect((turns.now.max() ?? 0) <= 32 * 7)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [nil, "permessage-deflate"])
    func `what was said before a close comes before it, however the turn is divided`(_ offer: String?) throws {
      var host = TestHost()
      host.deflate = DeflateSettings()
      host.options.writeTurnBytesMax = 16 << 10
      let watched = host
      let texts = (0..<3).map { Self.words(20 << 10, UInt64($0)) }
      host.onmessage = { shard, socket, _ in
        _ = texts[0].with { shard.broadcast(.text, $0) }
        for socket in watched.sockets.now.values { socket.send(texts[1]) }
        _ = texts[2].with { socket.emit(.text, $0, toSelf: true) }
        for socket in watched.sockets.now.values { socket.close(code: 4000, reason: "over") }
        _ = "too late".with { shard.broadcast(.text, $0) }
      }
      try host.run { engine, port in
        let clients = try (0..<12).map { index in
          try TestClient.open("/room/x?uid=\(index)", port: port, extensions: offer)
        }
        #expect(watched.sockets.wait { $0.count == 12 })
        try clients[0].send(text: "go")
        for client in clients {
          let isRight = try client.texts(3) == texts
          #expect(isRight)
          let last = try client.next() as TestClient.Frame
          #expect(last == .close(code: 4000, reason: "over"))
          client.close()
        }
        #expect(engine.isQuiet())
      }
    }

    /// More than an outbox may hold, and the kernel takes it all: nobody has been slow but the turn.
    @Test(arguments: [4 << 20, 16 << 10], OutboxPolicy.all)
    func `S8: a receiver is not called slow for what one turn says to it in several ways`(
      _ turnBytes: Int, _ policy: OutboxPolicy
    ) throws {
      var host = TestHost()
      host.options.writeTurnBytesMax = turnBytes
      host.options.outboxBytesMax = 64 << 10
      host.options.outboxPolicy = policy
      let watched = host
      let text = Self.words(40 << 10, 1)
      host.onmessage = { shard, _, _ in
        for socket in watched.sockets.now.values { socket.send("first \(text)") }
        _ = "second \(text)".with { shard.broadcast(.text, $0) }
        _ = "third \(text)".with { shard.broadcast(.text, $0) }
        for socket in watched.sockets.now.values { socket.send("last \(text)") }
      }
      try host.run { engine, port in
        let clients = try (0..<5).map { try TestClient.open("/room/x?uid=\($0)", port: port) }
        #expect(watched.sockets.wait { $0.count == 5 })
        try clients[0].send(text: "go")
        for client in clients {
          let isRight = try client.texts(4) == ["first", "second", "third", "last"].map { "\($0) \(text)" }
          #expect(isRight)
        }
        #expect(engine.stats.dropped == 0)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }
  }
}

extension OutboxPolicy {
  fileprivate static var all: [OutboxPolicy] { [.close, .dropNewest, .dropOldest] }
}
