import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule E1: a handle that names nothing alive is stale, whoever asks.
  @Suite struct MisuseTests {
    /// What every kind of handle says.
    private static func statuses(
      _ request: UInt64, _ socket: UInt64, _ shard: UInt64, _ gateway: UInt64, _ gossip: UInt64
    ) -> [Status] {
      let name = Name(hex: [0x61])
      return "x".with { bytes in
        let request = RequestHandle(rawValue: request)
        let socket = SocketHandle(rawValue: socket)
        let shard = ShardHandle(rawValue: shard)
        let gateway = GatewayHandle(rawValue: gateway)
        let gossip = GossipHandle(rawValue: gossip)
        return [
          request.respond(status: 200, body: bytes), socket.send(.text, bytes), socket.close(),
          socket.emit(.text, bytes), socket.broadcast(.text, bytes), socket.whisper(name, .text, bytes),
          shard.emit(.text, bytes), shard.broadcast(.text, bytes), shard.whisper(name, .text, bytes),
          shard.gossip(bytes) { _, _ in }, gateway.broadcast(.text, bytes), gateway.whisper(name, .text, bytes),
          gossip.reply(bytes), gossip.fail(bytes),
        ]
      }
    }

    @Test(arguments: [1, 3])
    func `E1: stale handles of every kind: from their own worker, a foreign thread, after destroy`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      let request = Watched<UInt64>(0)
      let gossip = Watched<UInt64>(0)
      let gone = Watched<[UInt64]>([])
      let fromWorker = Watched<[Status]?>(nil)
      host.limit = 1
      host.idleSeconds = 0
      host.stickySeconds = 0
      host.receive = { shard, received in
        request.change { $0 = received.rawValue }
        TestHost.welcome(shard, received)
      }
      host.ongossip = { _, question, _ in
        gossip.change { $0 = question.rawValue }
        question.reply("me")
      }
      host.onmessage = { shard, _, message in
        if message.text == "ask" { return _ = "?".with { shard.gossip($0) { _, _ in } } }
        let handles = gone.now
        fromWorker.change { $0 = MisuseTests.statuses(handles[0], handles[1], handles[2], handles[3], handles[4]) }
      }
      try host.run { engine, port in
        let first = try TestClient.open("/room/x?uid=first", port: port)
        let second = try TestClient.open("/room/x?uid=second", port: port)
        try second.send(text: "ask")
        #expect(gossip.wait { $0 != 0 })
        let shard = try #require(host.shards.now.first)
        let gateway = try #require(host.gateways.now.first)
        let socket = try #require(host.sockets.now["first"])
        try first.leave()
        try second.leave()
        #expect(eventually { engine.stats.gateways == 0 && engine.stats.shards == 0 })
        gone.change { $0 = [request.now, socket.rawValue, shard.rawValue, gateway.rawValue, gossip.now] }

        let handles = gone.now
        let foreign = MisuseTests.statuses(handles[0], handles[1], handles[2], handles[3], handles[4])
        #expect(foreign == Array(repeating: .stale, count: 14))
        let third = try TestClient.open("/room/x?uid=third", port: port)
        try third.send(text: "try")
        #expect(fromWorker.wait { $0 == Array(repeating: Status.stale, count: 14) })
        engine.destroy()
        let afterwards = MisuseTests.statuses(handles[0], handles[1], handles[2], handles[3], handles[4])
        #expect(afterwards == Array(repeating: .stale, count: 14))
        // Nor do the next engine's objects answer to them.
        let next = TestHost(workers: workers)
        try next.run { _, port in
          let client = try TestClient.open("/room/x?uid=first", port: port)
          let elsewhere = MisuseTests.statuses(handles[0], handles[1], handles[2], handles[3], handles[4])
          #expect(elsewhere == Array(repeating: .stale, count: 14))
          try client.leave()
        }
      }
    }

    @Test func `E1: a handle of another kind says so, and 0 and inventions are stale`() throws {
      let host = TestHost()
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.saw("open a"))
        let socket = try #require(host.sockets.now["a"]).rawValue
        let shard = try #require(host.shards.now.first).rawValue
        let crossed = MisuseTests.statuses(shard, shard, socket, socket, shard)
        #expect(crossed == Array(repeating: .wrongKind, count: 14))
        #expect(MisuseTests.statuses(0, 0, 0, 0, 0) == Array(repeating: .stale, count: 14))
        let invented = UInt64(15) << 60 | 0x0FFF_FFFF_FFFF_FFFF
        let statuses = MisuseTests.statuses(invented, invented, invented, invented, invented)
        #expect(statuses == Array(repeating: .stale, count: 14))
        try client.leave()
      }
    }

    @Test func `E1: getters are the own worker's: elsewhere they give nothing`() throws {
      let host = TestHost()
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.saw("open a"))
        let socket = try #require(host.sockets.now["a"])
        let shard = try #require(host.shards.now.first)
        #expect(socket.uid == nil && socket.shard == nil && socket.buffered == nil)
        #expect(shard.id == nil && shard.sockets == [] && shard.count == 0)
        #expect(throws: Status.wrongThread) { _ = try socket.find() }
        #expect(throws: Status.wrongThread) { _ = try shard.find() }
        try client.leave()
      }
    }
  }
}
