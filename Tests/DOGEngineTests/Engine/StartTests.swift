import Testing

@testable import DOGEngine

extension EngineTests {
  /// A Shard's start can be answered later and can fail: who waits, who is told, and what is left of it.
  @Suite struct StartTests {
    /// With one client to a Shard the Shards go round the workers, from the Gateway's own on.
    private static func host(workers: Int, later: Bool = true) -> TestHost {
      var host = TestHost(workers: workers)
      host.startsLater = later
      host.idleSeconds = 600
      host.limit = 1
      return host
    }

    /// How a start ends that does not succeed.
    enum Failure: String, CaseIterable, Sendable {
      case onstartThrows
      case onstartThrowsLater
      case answeredInside
      case answeredInsideAndThrows
      case answeredElsewhere
      case notAnswered

      var isLater: Bool { self != .onstartThrows }
      var status: Int { self == .notAnswered ? 503 : 500 }
    }

    static let failures = Failure.allCases.flatMap { failure in [1, 3].map { (failure, $0) } }

    @Test(arguments: [1, 3])
    func `a Shard that starts later is asked nothing until it has started`(workers: Int) throws {
      let host = StartTests.host(workers: workers)
      try host.run { engine, port in
        var clients: [TestClient] = []
        for index in 0..<workers {
          let client = try TestClient(port: port)
          try client.requestUpgrade("/room/x?uid=u\(index)")
          #expect(host.shards.wait { $0.count == index + 1 })
          let shard = host.shards.now[index]
          #expect(eventually { engine.stats.places == index + 1 })
          #expect(shard.emit(.text, UnsafeRawBufferPointer(start: nil, count: 0)) == .ok, "its own handle works")
          #expect(!host.journal.now.contains("receive u\(index)"))
          #expect(shard.started() == .ok)
          #expect(shard.started() == .wrongState)
          #expect(shard.started(.host) == .wrongState)
          try client.expectUpgrade()
          clients.append(client)
        }
        for client in clients { client.close() }
        #expect(engine.isQuiet())
      }
      #expect(host.journal.now.count { $0 == "start" } == workers)
      #expect(host.journal.now.count { $0 == "stop" } == workers)
    }

    @Test(arguments: failures)
    func `a start that fails ends its Shard and no other, and the next request makes another`(
      _ failure: Failure, _ workers: Int
    ) throws {
      var host = StartTests.host(workers: workers, later: failure.isLater)
      host.options.startTimeoutMs = failure == .notAnswered ? 100 : 86_400_000
      let lines = Watched<[String]>([])
      host.options.log = { _, line in lines.change { $0.append(line) } }
      let mayStart = Gate(true)
      let named = Watched<Int>(0)
      host.clusterize = { request in
        let id = mayStart.now ? "shard \(named.change { $0 += 1; return $0 })" : "the one"
        _ = id.with { request.clusterize($0) }
      }
      host.onstart = { shard in
        if mayStart.now {
          if failure.isLater { shard.started() }
          return
        }
        switch failure {
        case .onstartThrows, .onstartThrowsLater: throw Status.outOfMemory
        case .answeredInside: shard.started(.outOfMemory)
        case .answeredInsideAndThrows:
          shard.started()
          throw Status.outOfMemory
        case .answeredElsewhere: ForeignThread { #expect(shard.started(.outOfMemory) == .ok) }
        case .notAnswered: break
        }
      }
      let run = host
      try host.run { engine, port in
        // So that the one that fails is on the last worker.
        let others = try (1..<workers).map { try TestClient.open("/room/x?uid=o\($0)", port: port) }
        mayStart.change { $0 = false }
        for round in 1...3 {
          let response = try TestClient.get("/room/x?uid=ann", port: port)
          #expect(response.status == failure.status)
          #expect(run.saw("stop", times: round))
          #expect(engine.stats.shards == workers - 1)
          #expect(engine.stats.places == workers - 1)
        }
        #expect(lines.now.contains { $0.contains("the one") && $0.contains("RoomShard") && $0.contains("DOG_E") })
        mayStart.open()
        let response = try TestClient.get("/room/x?uid=ann", port: port)
        #expect(response.status == 200)
        #expect(response.body.hasPrefix("shard "))
        for client in others { try client.send(text: "still here") }
        for number in 1..<workers { #expect(run.saw("message o\(number) still here")) }
        for client in others { client.close() }
        #expect(engine.isQuiet())
      }
      let journal = host.journal.now
      #expect(journal.count { $0 == "start" } == workers + 3)
      #expect(journal.count { $0 == "stop" } == workers + 3)
      #expect(journal.count { $0 == "receive ann" } == 1)
    }

    @Test(arguments: [1, 2])
    func `those who wait for one start are served by it together, and those who left are not`(workers: Int) throws {
      var host = StartTests.host(workers: workers)
      host.limit = 100
      try host.run { engine, port in
        let clients = try (0..<60).map { number in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(number)")
          return client
        }
        #expect(eventually { engine.stats.places == 60 })
        for number in 0..<60 where number % 3 != 0 {
          number % 3 == 1 ? clients[number].close() : clients[number].reset()
        }
        #expect(eventually { engine.stats.places == 20 })
        #expect(host.shards.now.count == 1)
        #expect(host.shards.now[0].started() == .ok)
        for number in stride(from: 0, to: 60, by: 3) {
          let response = try clients[number].response()
          #expect(response?.status == 200)
          clients[number].close()
        }
        #expect(engine.isQuiet())
        #expect(host.journal.now.count { $0.hasPrefix("receive") } == 20)
      }
    }

    @Test(arguments: [1, 2])
    func `a place is given back once where a start fails and clients leave meanwhile`(workers: Int) throws {
      var host = StartTests.host(workers: workers)
      host.limit = 5
      try host.run { engine, port in
        for round in 0..<30 {
          let clients = try (0..<5).map { number in
            let client = try TestClient(port: port)
            try client.request("/room/x?uid=u\(number)")
            return client
          }
          #expect(eventually { engine.stats.places == 5 })
          #expect(host.shards.wait { $0.count == round + 1 })
          let shard = host.shards.now[round]
          let answer = ForeignThread { shard.started(.host) }
          for client in clients { round % 2 == 0 ? client.close() : client.reset() }
          #expect(answer.join())
          #expect(engine.isQuiet())
          #expect(eventually { engine.stats.shards == 0 })
        }
      }
    }

    @Test func `a name that a Shard has which starts is taken until that fails`() throws {
      var host = StartTests.host(workers: 2)
      host.clusterize = { request in _ = "same".with { request.clusterize($0) } }
      try host.run { engine, port in
        let first = try TestClient(port: port)
        try first.request("/room/x?uid=ann")
        #expect(host.shards.wait { $0.count == 1 })
        #expect(try TestClient.get("/room/x?uid=bob", port: port).status == 500)
        #expect(host.shards.now[0].started(.system) == .ok)
        #expect(try first.response()?.status == 500)
        try first.request("/room/x?uid=ann")
        #expect(host.shards.wait { $0.count == 2 })
        #expect(host.shards.now[1].started() == .ok)
        #expect(try first.response()?.body == "same")
        first.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 2], [0, 20_000])
    func `a stop ends a Shard that starts; within the grace it may still start`(workers: Int, graceMs: Int) throws {
      let host = StartTests.host(workers: workers)
      let (engine, port) = try host.make()
      try engine.start()
      let clients = try (0..<workers).map { number in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=u\(number)")
        return client
      }
      #expect(host.shards.wait { $0.count == workers })
      if graceMs == 0 {
        #expect(engine.stop(graceMs: 0) == .ok)
        for client in clients { #expect(try client.response() == nil) }
      } else {
        let stopping = ForeignThread { #expect(engine.stop(graceMs: UInt64(graceMs)) == .ok) }
        #expect(eventually { (try? TestClient(port: port)) == nil }, "it accepts no more")
        for shard in host.shards.now { #expect(shard.started() == .ok) }
        for client in clients {
          #expect(try client.response()?.status == 200)
          // Else it has its time to close.
          client.close()
        }
        #expect(stopping.join())
      }
      for shard in host.shards.now { #expect(shard.started() == .stale) }
      #expect(host.journal.now.count { $0 == "stop" } == workers)
      #expect(engine.destroy() == .ok)
      for shard in host.shards.now { #expect(shard.started() == .stale) }
    }

    @Test func `a sibling that starts is not asked`() throws {
      var host = StartTests.host(workers: 2)
      let answers = Watched<[Int]>([])
      host.ongossip = { _, gossip, _ in _ = gossip.reply("me") }
      host.onmessage = { shard, _, _ in
        _ = "who?".with { shard.gossip($0) { _, results in answers.change { $0.append(results.count) } } }
      }
      try host.run { _, port in
        var clients: [TestClient] = []
        for index in 0..<3 {
          let client = try TestClient(port: port)
          try client.requestUpgrade("/room/x?uid=u\(index)")
          #expect(host.shards.wait { $0.count == index + 1 })
          if index < 2 {
            host.shards.now[index].started()
            try client.expectUpgrade()
          }
          clients.append(client)
        }
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0 == [1] })
        host.shards.now[2].started()
        try clients[2].expectUpgrade()
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0 == [1, 2] })
      }
    }

    @Test func `only what waits for an answer takes one`() throws {
      let host = StartTests.host(workers: 1, later: false)
      try host.run { _, port in
        let response = try TestClient.get("/room/x?uid=a", port: port)
        #expect(response.status == 200)
        let shard = host.shards.now[0]
        #expect(shard.started() == .wrongState)
        #expect(shard.started(Status(rawValue: 1)) == .invalid)
        let gateway = try #require(host.gateways.now.first)
        #expect(ShardHandle(rawValue: gateway.rawValue).started() == .wrongKind)
        #expect(ShardHandle(rawValue: 0).started() == .stale)
      }
    }

    /// Starts, names and stops at random: each onstart has its onstop, and nobody is left waiting.
    @Test(arguments: [1, 3])
    func `every onstart has one onstop, whatever comes between`(workers: Int) throws {
      for round in 0..<25 {
        var host = StartTests.host(workers: workers)
        host.options.logLevel = .error
        host.options.startTimeoutMs = 40
        let number = Watched<Int>(0)
        host.clusterize = { request in
          let next = number.change {
            $0 += 1; return $0
          }
          ForeignThread { _ = "shard \(next % 3)".with { request.clusterize($0) } }
        }
        host.onstart = { shard in
          switch number.now % 5 {
          case 0: throw Status.host
          case 1: shard.started()
          case 2: break
          case 3: ForeignThread { shard.started() }
          default: ForeignThread { shard.started(.system) }
          }
        }
        let (engine, port) = try host.make()
        try engine.start()
        let clients = try (0..<8).map { number in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(number)")
          return client
        }
        for client in clients.prefix(round % 8) { client.reset() }
        if round % 3 == 0 { for client in clients.dropFirst(round % 8) { _ = try? client.response() } }
        engine.stop(graceMs: UInt64(round % 2 * 20))
        engine.destroy()
        let journal = host.journal.now
        #expect(journal.count { $0 == "start" } == journal.count { $0 == "stop" }, "round \(round)")
      }
    }
  }
}
