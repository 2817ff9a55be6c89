import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule G5: a place is given back once, whenever the client leaves.
  @Suite struct PlaceReleaseTests {
    /// Where a client leaves.
    enum Moment: String, CaseIterable, Sendable {
      case identify
      case clusterize
      case receive
    }

    static let cases: [(Moment, Int, Bool)] = Moment.allCases.flatMap { moment in
      [1, 3].flatMap { workers in [true, false].map { (moment, workers, $0) } }
    }

    @Test(arguments: cases)
    func `G5: a place is given back once where the client leaves during a question, by FIN or RST`(
      _ moment: Moment, _ workers: Int, _ byReset: Bool
    ) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<RequestHandle?>(nil)
      host.limit = 1
      switch moment {
      case .identify:
        host.identify = { request in
          if asked.change({ asked in
            defer { asked = asked ?? request }
            return asked != nil
          }) {
            request.identify(TestHost.uid(of: request))
          }
        }
      case .clusterize:
        host.clusterize = { request in
          if asked.change({ asked in
            defer { asked = asked ?? request }
            return asked != nil
          }) {
            _ = "second".with { request.clusterize($0) }
          }
        }
      case .receive:
        host.receive = { shard, request in
          if asked.change({ asked in
            defer { asked = asked ?? request }
            return asked != nil
          }) {
            TestHost.welcome(shard, request)
          }
        }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.requestUpgrade("/room/x?uid=a")
        #expect(asked.wait { $0 != nil })
        byReset ? client.reset() : client.close()
        #expect(eventually { engine.stats.connections == 0 })
        #expect(eventually { engine.stats.places == 0 })
        let request = try #require(asked.now)
        // What the client waited for is stale; the Shard's name is not, for others may wait for it too.
        switch moment {
        case .identify: #expect(eventually { request.identify("a") == .stale })
        case .clusterize: #expect("first".with { request.clusterize($0) } == .ok)
        case .receive: #expect(eventually { request.respond(status: 200, body: "") == .stale })
        }
        #expect(engine.isQuiet())
        // The one place is free, and it is one.
        let next = try TestClient.open("/room/x?uid=b", port: port)
        #expect(eventually { engine.stats.places == 1 })
        try next.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3], [true, false])
    func `G5: a place is given back once where the client leaves between receive and connect`(
      _ workers: Int, _ byReset: Bool
    ) throws {
      var host = TestHost(workers: workers)
      let isReceived = Gate()
      let hasLeft = Gate()
      // The Shard's worker is held while the client leaves: it answers without knowing.
      host.receive = { shard, request in
        guard request.uid?.description == "leaves" else { return TestHost.welcome(shard, request) }
        isReceived.open()
        hasLeft.pass()
        request.connect()
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.requestUpgrade("/room/x?uid=leaves")
        #expect(isReceived.pass())
        byReset ? client.reset() : client.close()
        hasLeft.open()
        #expect(engine.isQuiet())
        #expect(engine.stats.connectionsTotal == 1)
        let next = try TestClient.open("/room/x?uid=b", port: port)
        try next.leave()
        #expect(engine.isQuiet())
        #expect(!host.lines(of: "unopened").contains { $0.hasPrefix("close") }, "closed what was never opened")
        let opened = host.lines(of: "leaves").count { $0.hasPrefix("open") }
        #expect(opened == host.lines(of: "leaves").count { $0.hasPrefix("close") })
      }
    }

    @Test(arguments: [1, 3])
    func `G5: answers from other threads race with clients that leave, and every place is given back`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      host.limit = 3
      host.stickySeconds = 0
      host.idleSeconds = 0
      host.identify = { request in
        let uid = TestHost.uid(of: request)
        ForeignThread { request.identify(uid) }
      }
      host.clusterize = { request in
        ForeignThread { _ = "shard \(request.rawValue)".with { request.clusterize($0) } }
      }
      host.receive = { _, request in ForeignThread { request.connect() } }
      let host2 = host
      try host.run { engine, port in
        var random = TestRandom(for: "clients that leave")
        for index in 0..<150 {
          let client = try TestClient(port: port)
          try client.requestUpgrade("/room/x?uid=u\(index % 7)")
          switch random.below(4) {
          case 0: client.reset()
          case 1: client.close()
          case 2:
            try client.expectUpgrade()
            client.reset()
          default:
            try client.expectUpgrade()
            try client.leave()
          }
        }
        #expect(engine.isQuiet())
        #expect(eventually { engine.stats.shards == 0 && engine.stats.gateways == 0 })
        let lines = host2.journal.now
        #expect(lines.count { $0.hasPrefix("open ") } == lines.count { $0.hasPrefix("close ") })
        #expect(!lines.contains { $0.contains(" unopened ") })
      }
    }

    @Test func `G5: no Shard ever holds more than its limit`() throws {
      var host = TestHost(workers: 3)
      host.limit = 2
      let most = Watched(0)
      host.onopen = { shard, _ in most.change { $0 = max($0, shard.count) } }
      try host.run { engine, port in
        let clients = try (0..<11).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        #expect(eventually { engine.stats.sockets == 11 })
        let gateway = try #require(engine.gateway("Room", "x"))
        var stats = try gateway.stats()
        #expect(stats.shards == 6)
        #expect(stats.connections == 11)
        #expect(most.now == 2)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
        stats = try gateway.stats()
        #expect(stats.connections == 0)
      }
    }

    @Test(arguments: [1, 3])
    func `G5: in onclose the place counts no more, wherever the Shard is`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let counts = Watched<[Int]>([])
      host.limit = 1
      host.onclose = { shard, _, _ in
        let count = (try? shard.findGateway().stats().connections) ?? -1
        counts.change { $0.append(count) }
      }
      try host.run { engine, port in
        let clients = try (0..<6).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        for (left, client) in clients.enumerated() {
          try client.leave()
          #expect(counts.wait { $0.count == left + 1 })
        }
        #expect(counts.now == [5, 4, 3, 2, 1, 0])
        #expect(engine.isQuiet())
      }
    }
  }
}
