import Testing

@testable import DOGEngine

extension EngineTests {
  /// Each receiver gets what one callback says in the order of the calls, wherever the objects are by whose handles it
  /// is said.
  @Suite struct SayingOrderTests {
    /// By what the first of two messages is said.
    enum By: CaseIterable, Sendable {
      case broadcastOfGateway, whisperOfGateway, broadcastOfShard, whisperOfShard
    }

    @Test(arguments: By.allCases, [nil, "permessage-deflate"])
    func `S4: what is said by a Gateway or a Shard of another worker comes before what is said after it`(
      _ by: By, _ offer: String?
    ) throws {
      var host = TestHost(workers: 3)
      let watched = host
      let told = Watched<[Status]>([])
      host.limit = 1
      host.deflate = DeflateSettings()
      let first = String(repeating: "first", count: 20)
      host.onmessage = { shard, socket, message in
        let uid = try #require(socket.uid)
        let gateway = try #require(shard.gateway)
        let other = try #require(watched.shards.now.first { $0.handle.worker == Int(message.text) })
        let tell: @Sendable (Status, Int) -> Void = { status, count in
          told.change { $0.append(count == 1 ? status : .notFound) }
        }
        let status = first.with {
          switch by {
          case .broadcastOfGateway: gateway.broadcast(.text, $0)
          case .whisperOfGateway: gateway.whisper(uid, .text, $0, whispered: tell)
          case .broadcastOfShard: other.broadcast(.text, $0)
          case .whisperOfShard: other.whisper(uid, .text, $0, whispered: tell)
          }
        }
        #expect(status == .ok)
        #expect(socket.send("second") == .ok)
      }
      try host.run { engine, port in
        let clients = try (0..<3).map { try TestClient.open("/room/x?uid=u\($0)", port: port, extensions: offer) }
        try #require(Set(watched.shards.now.map(\.handle.worker)).count == 3)
        var asked = 0
        for _ in 0..<20 {
          for (index, client) in clients.enumerated() {
            for worker in 0..<3 {
              try client.send(text: "\(worker)")
              #expect(try client.texts(2) == [first, "second"])
              asked += 1
              guard by == .broadcastOfGateway || by == .broadcastOfShard else { continue }
              for (number, other) in clients.enumerated() where number != index {
                #expect(try other.texts(1) == [first])
              }
            }
          }
        }
        if by == .whisperOfGateway || by == .whisperOfShard {
          #expect(told.wait { $0.count == asked })
          #expect(told.now.allSatisfy { $0 == .ok })
        }
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `S4: messages of any length from a thread of the host's come in order, by whatever they are sent`()
      throws
    {
      var host = TestHost()
      let watched = host
      host.options.outboxBytesMax = 64 << 20
      host.options.mailboxBytesMax = 64 << 20
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=u", port: port)
        #expect(watched.sockets.wait { $0.count == 1 })
        let socket = try #require(watched.sockets.now["u"])
        let shard = try #require(watched.shards.now.first)
        let gateway = try #require(watched.gateways.now.first)
        // Short ones share a run, long ones do not fit in one, and many short ones fill it.
        var random = TestRandom(for: "SayingOrderTests")
        let limit = Mailbox<Int>.runBytesMax
        let texts = (0..<400).map { number in
          let length = random.once(in: 20) ? limit / 2 + random.below(limit) : random.below(2000)
          return "\(number) " + String(repeating: "x", count: length)
        }
        for text in texts {
          let status = text.with {
            switch random.below(4) {
            case 0: socket.send(.text, $0)
            case 1: shard.emit(.text, $0)
            case 2: shard.broadcast(.text, $0)
            default: gateway.broadcast(.text, $0)
            }
          }
          #expect(status == .ok)
        }
        #expect(try client.texts(texts.count) == texts, "DOG_SEED=\(random.seed)")
        try client.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test func `E3: while a worker winds down, what its callbacks say by handles of others goes by their workers`()
      throws
    {
      var host = TestHost(workers: 3)
      let watched = host
      let ways = Watched<[Bool]>([])
      host.limit = 1
      host.onstop = { shard in
        guard let gateway = watched.gateways.now.first, gateway.handle.worker != shard.handle.worker else { return }
        ways.change { $0.append(gateway.handle.clusterFromHere == nil) }
      }
      try host.run { engine, port in
        let clients = try (0..<3).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        try #require(Set(watched.shards.now.map(\.handle.worker)).count == 3)
        #expect(engine.stop(graceMs: 0) == .ok)
        withExtendedLifetime(clients) {}
      }
      #expect(ways.now == [true, true])
    }
  }
}
