import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rules G2, G4, G6 and G7: who goes where, and what is remembered of them.
  @Suite struct PlacingTests {
    @Test(arguments: [1, 3])
    func `G4: requests that fit the coming Shard wait for it and make no other`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<[RequestHandle]>([])
      host.limit = 3
      host.clusterize = { request in asked.change { $0.append(request) } }
      try host.run { engine, port in
        let clients = try (0..<3).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          return client
        }
        #expect(eventually { engine.stats.places == 3 })
        #expect(asked.now.count == 1)
        let named = try #require(asked.now.first)
        #expect("first".with { named.clusterize($0) } == .ok)
        for client in clients { #expect(try client.response()?.body == "first") }
        #expect(host.journal.now.count { $0 == "clusterize" } == 1)
        #expect(host.journal.now.count { $0 == "start" } == 1)
      }
    }

    @Test func `G4: one more than fits the coming Shard asks for a second`() throws {
      var host = TestHost()
      let asked = Watched<[RequestHandle]>([])
      host.limit = 2
      host.clusterize = { request in asked.change { $0.append(request) } }
      try host.run { engine, port in
        let clients = try (0..<3).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          return client
        }
        #expect(asked.wait { $0.count == 2 })
        #expect(eventually { engine.stats.places == 3 })
        for (index, request) in asked.now.enumerated() { #expect("s\(index)".with { request.clusterize($0) } == .ok) }
        let bodies = try clients.map { try $0.response()?.body ?? "" }
        #expect(bodies.sorted() == ["s0", "s0", "s1"])
      }
    }

    @Test(arguments: [1, 3])
    func `G4: clusterize that never answers refuses those who wait with 503 and gives every place back`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      host.options.identifyTimeoutMs = 100
      host.clusterize = { _ in }
      try host.run { engine, port in
        let clients = try (0..<4).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)", headers: ["Connection: close"])
          return client
        }
        for client in clients { #expect(try client.response()?.status == 503) }
        for client in clients { client.close() }
        #expect(engine.isQuiet())
        #expect(engine.stats.shards == 0)
        #expect(engine.stats.refused == 4)
      }
    }

    @Test(arguments: [1, 3])
    func `G4: an id that is none refuses everybody who waited, and the log names each of them`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let lines = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in lines.change { $0.append(line) } }
      let asked = Watched<[RequestHandle]>([])
      host.clusterize = { request in asked.change { $0.append(request) } }
      try host.run { engine, port in
        let clients = try (0..<3).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          return client
        }
        #expect(asked.wait { $0.count == 1 } && eventually { engine.stats.places == 3 })
        let request = try #require(asked.now.first)
        #expect("".with { request.clusterize($0) } == .invalid)
        for client in clients { #expect(try client.response()?.status == 500) }
        #expect(eventually { engine.stats.refused == 3 })
        #expect(lines.now.count { $0.hasPrefix("127.0.0.1:") && $0.hasSuffix("500, its Shard got no name") } == 3)
      }
    }

    @Test func `G4: a refusal of clusterize is everybody's who waited`() throws {
      var host = TestHost()
      let asked = Watched<[RequestHandle]>([])
      host.clusterize = { request in asked.change { $0.append(request) } }
      try host.run { engine, port in
        let clients = try (0..<3).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          return client
        }
        #expect(eventually { engine.stats.places == 3 })
        let request = try #require(asked.now.first)
        #expect(request.respond(status: 418, body: "no more") == .ok)
        for client in clients {
          let response = try client.response()
          #expect(response?.status == 418)
          #expect(response?.body == "no more")
        }
        // It is the host's answer, not the engine's.
        #expect(engine.stats.refused == 0)
        #expect(eventually { engine.stats.places == 0 })
        #expect(request.respond(status: 200, body: "") == .stale)
      }
    }

    @Test func `G4: a Shard's name that is taken is an error, and nobody is left waiting`() throws {
      var host = TestHost()
      let answers = Watched<[Status]>([])
      host.limit = 1
      host.clusterize = { request in
        let status = "same".with { request.clusterize($0) }
        answers.change { $0.append(status) }
      }
      try host.run { engine, port in
        let first = try TestClient.open("/room/x?uid=a", port: port)
        let status = try TestClient.get("/room/x?uid=b", port: port).status
        #expect(status == 500)
        #expect(answers.now == [.ok, .exists])
        #expect(eventually { engine.stats.places == 1 })
        try first.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `G2: who comes back goes to the Shard it was last on`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 2
      try host.run { engine, port in
        let crowd = try (0..<2).map { try TestClient.open("/room/x?uid=c\($0)", port: port) }
        let mine = try TestClient.get("/room/x?uid=me", port: port).body
        // The first Shard has room again and is the older one of two with one place taken: only memory speaks for the
        // second.
        try crowd[0].leave()
        #expect(eventually { engine.stats.places == 1 })
        let other = try TestClient.open("/room/x?uid=other", port: port)
        for _ in 0..<3 { #expect(try TestClient.get("/room/x?uid=me", port: port).body == mine) }
        #expect(host.journal.now.count { $0 == "start" } == 2)
        try crowd[1].leave()
        try other.leave()
      }
    }

    @Test func `G2: with no memory who comes back goes to the least utilised Shard`() throws {
      var host = TestHost()
      host.limit = 2
      host.stickySeconds = 0
      try host.run { engine, port in
        let crowd = try (0..<2).map { try TestClient.open("/room/x?uid=c\($0)", port: port) }
        let mine = try TestClient.get("/room/x?uid=me", port: port).body
        for client in crowd { try client.leave() }
        #expect(eventually { engine.stats.places == 0 })
        #expect(try TestClient.get("/room/x?uid=me", port: port).body != mine)
      }
    }

    @Test(arguments: [PlacementPolicy.leastUtilised, .fullest])
    func `G3: matchmaking for two: by the policy fullest the next one meets whoever waits`(_ policy: PlacementPolicy)
      throws
    {
      var host = TestHost()
      host.limit = 2
      host.stickySeconds = 0
      host.placement = policy
      let shardOf = Watched<[String: ShardHandle]>([:])
      host.onopen = { shard, socket in shardOf.change { $0[socket.uid?.description ?? ""] = shard } }
      try host.run { engine, port in
        let pair = try (0..<2).map { try TestClient.open("/room/x?uid=p\($0)", port: port) }
        let waits = try TestClient.open("/room/x?uid=waits", port: port)
        for client in pair { try client.leave() }
        #expect(eventually { engine.stats.places == 1 })
        // The first Shard is empty and the older one; on the second somebody waits.
        let next = try TestClient.open("/room/x?uid=next", port: port)
        #expect(shardOf.wait { $0["next"] != nil })
        #expect((shardOf.now["waits"] == shardOf.now["next"]) == (policy == .fullest))
        try waits.leave()
        try next.leave()
      }
    }

    @Test(arguments: [1, 3])
    func `G6: an empty Shard is retired and its host told, then the Gateway is forgotten`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.idleSeconds = 0
      host.stickySeconds = 0
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let gateway = try #require(engine.gateway("Room", "x"))
        #expect(gateway == host.gateways.now.first)
        let stats = try gateway.stats()
        #expect(stats.shards == 1)
        #expect(stats.connections == 1)
        #expect(!host.journal.now.contains("stop"))
        try client.leave()
        #expect(host.saw("stop"))
        #expect(eventually { engine.gateway("Room", "x") == nil })
        #expect(throws: Status.stale) { _ = try gateway.stats() }
        #expect(eventually { engine.stats.shards == 0 && engine.stats.gateways == 0 })
        // The name begins anew.
        let status = try TestClient.get("/room/x?uid=a", port: port).status
        #expect(status == 200)
        #expect(host.gateways.now.count == 2)
        #expect(host.gateways.now.first != host.gateways.now.last)
      }
    }

    @Test func `G6: a Shard with a socket is not retired, and the cluster shrinks to it`() throws {
      var host = TestHost()
      host.limit = 1
      host.idleSeconds = 0
      host.stickySeconds = 0
      try host.run { engine, port in
        let stays = try TestClient.open("/room/x?uid=stays", port: port)
        let leaves = try TestClient.open("/room/x?uid=leaves", port: port)
        let gateway = try #require(engine.gateway("Room", "x"))
        #expect((try? gateway.stats().shards) == 2)
        try leaves.leave()
        #expect(host.saw("stop"))
        #expect(eventually { (try? gateway.stats().shards) == 1 })
        #expect(host.sockets.now["stays"]?.send("still here") == .ok)
        #expect(try stays.texts(1) == ["still here"])
        try stays.leave()
      }
    }

    @Test(arguments: [1, 3])
    func `G7: every question may be answered late and from another thread`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.identify = { request in
        let uid = TestHost.uid(of: request)
        ForeignThread { #expect(request.identify(uid) == .ok) }
      }
      host.clusterize = { request in ForeignThread { #expect("named".with { request.clusterize($0) } == .ok) } }
      host.receive = { _, request in
        let isUpgrade = request.request?.header("upgrade") != nil
        ForeignThread {
          #expect((isUpgrade ? request.connect() : request.respond(status: 200, body: "late")) == .ok)
          #expect(request.respond(status: 200, body: "again") == .stale)
        }
      }
      host.onmessage = { _, socket, message in
        let text = message.text
        ForeignThread { #expect(socket.send("re: \(text)") == .ok) }
      }
      try host.run { engine, port in
        #expect(try TestClient.get("/room/x?uid=a", port: port).body == "late")
        let client = try TestClient.open("/room/x?uid=b", port: port)
        try client.send(text: "hello")
        #expect(try client.texts(1) == ["re: hello"])
        try client.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test func `G7: on_fetch may forward late and from another thread`() throws {
      let host = TestHost(workers: 3)
      let (engine, port) = try host.make()
      defer { engine.destroy() }
      try engine.onFetch { _, request in
        ForeignThread { #expect("den".with { request.forward(to: "Room", $0) } == .ok) }
      }
      try engine.start()
      let status = try TestClient.get("/elsewhere?uid=a", port: port).status
      #expect(status == 200)
      #expect(engine.gateway("Room", "den") != nil)
    }

    @Test func `G7: identify may refuse with any status, and the Gateway that placed nobody is forgotten`() throws {
      var host = TestHost()
      host.identify = { $0.respond(status: 403, body: "no") }
      try host.run { engine, port in
        let response = try TestClient.get("/room/x", port: port)
        #expect(response.status == 403)
        #expect(response.body == "no")
        #expect(eventually { engine.stats.gateways == 0 })
        #expect(engine.stats.places == 0)
      }
    }

    @Test(arguments: ["identify", "clusterize", "receive"])
    func `G7: an error before the answer is answered with 500`(question: String) throws {
      var host = TestHost()
      switch question {
      case "identify": host.identify = { _ in throw Status.system }
      case "clusterize": host.clusterize = { _ in throw Status.system }
      default: host.receive = { _, _ in throw Status.system }
      }
      try host.run { engine, port in
        let status = try TestClient.get("/room/x?uid=a", port: port).status
        #expect(status == 500)
        #expect(engine.isQuiet())
      }
    }

    /// The first request waits for its Shard; the next ones go to it at once, with the ticket that `identify` had.
    @Test(arguments: [1, 3]) func `G7: an answer counts, whatever its callback then returns`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.identify = {
        $0.identify("ann")
        throw Status.system
      }
      host.receive = {
        $1.respond(status: 201, body: "made")
        throw Status.system
      }
      try host.run { engine, port in
        for _ in 0..<3 {
          let response = try TestClient.get("/room/x", port: port)
          #expect(response.status == 201 && response.body == "made")
        }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `G7: the handle of an answered question names nothing, also while the next is asked`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<[RequestHandle]>([])
      let found = Watched<[Status]>([])
      host.identify = { request in
        asked.change { $0.append(request) }
        request.identify("ann")
        let isGone = request.request == nil
        found.change { $0.append(isGone ? request.respond(status: 200, body: "late") : .ok) }
      }
      host.receive = { _, request in
        let before = asked.change { $0.last }
        let status = before?.respond(status: 200, body: "late") ?? .ok
        let uid = request.uid?.description
        found.change { $0.append(uid == "ann" && before?.request == nil ? status : .ok) }
        request.respond(status: 200, body: "in time")
      }
      try host.run { engine, port in
        for _ in 0..<3 {
          let body = try TestClient.get("/room/x", port: port).body
          #expect(body == "in time")
        }
        #expect(found.change { $0 } == Array(repeating: .stale, count: 6))
        #expect(engine.isQuiet())
      }
    }
  }
}
