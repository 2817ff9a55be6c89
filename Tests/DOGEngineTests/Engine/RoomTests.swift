import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule G9: what is remembered only makes room where a table is full.
  @Suite struct RoomTests {
    /// Goes to a room and leaves it. The clocks of the workers go by milliseconds: what comes next is later.
    private func visit(_ room: String, uid: String = "somebody", port: UInt16) throws -> Int {
      defer { usleep(5_000) }
      return try TestClient.get("/room/\(room)?uid=\(uid)", port: port).status
    }

    @Test(arguments: [1, 3])
    func `G9: a new name takes the place of the Gateway that has been empty longest`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.gatewaysMax = 3
      try host.run { engine, port in
        let visits = try ["a", "b", "c", "a"].map { try visit($0, port: port) }
        #expect(visits == [200, 200, 200, 200])
        #expect(engine.isQuiet())
        #expect(try visit("d", port: port) == 200)
        let alive = ["a", "b", "c", "d"].filter { engine.gateway("Room", $0) != nil }
        #expect(alive == ["a", "c", "d"])
        #expect(eventually { engine.stats.gateways == 3 && engine.stats.shards == 3 })
        // Its Shard has ended with it.
        #expect(host.saw("stop"))
        #expect(try visit("b", port: port) == 200)
        #expect(engine.gateway("Room", "c") == nil)
      }
    }

    @Test(arguments: [1, 3])
    func `G9: a Gateway with somebody in it makes no room: a new name is 503 until one is empty`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.gatewaysMax = 2
      try host.run { engine, port in
        let ann = try TestClient.open("/room/a?uid=ann", port: port)
        let bob = try TestClient.open("/room/b?uid=bob", port: port)
        #expect(try visit("c", port: port) == 503)
        #expect(try visit("a", port: port) == 200)
        try bob.leave()
        #expect(eventually { engine.stats.places == 1 })
        #expect(try visit("c", port: port) == 200)
        #expect(engine.gateway("Room", "a") != nil && engine.gateway("Room", "b") == nil)
        #expect(host.sockets.now["ann"]?.send("still here") == .ok)
        #expect(try ann.texts(1) == ["still here"])
        try ann.leave()
      }
    }

    @Test func `G9: a Gateway whose question is open makes no room`() throws {
      var host = TestHost()
      let asked = Watched<RequestHandle?>(nil)
      host.options.gatewaysMax = 1
      host.identify = { request in
        if TestHost.uid(of: request) == "late" { asked.change { $0 = request } } else { request.identify("u") }
      }
      try host.run { engine, port in
        #expect(try visit("a", port: port) == 200)
        let client = try TestClient(port: port)
        try client.request("/room/a?uid=late")
        #expect(asked.wait { $0 != nil })
        #expect(try visit("b", port: port) == 503)
        #expect(asked.now?.identify("late") == .ok)
        #expect(try client.response()?.status == 200)
        #expect(eventually { engine.stats.places == 0 })
        #expect(try visit("b", port: port) == 200)
      }
    }

    @Test(arguments: [1, 3])
    func `G9: a crawler that tries many names shuts nobody out, and the counts are exact afterwards`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      host.options.gatewaysMax = 16
      host.options.shardsTotalMax = 20
      host.idleSeconds = 1
      host.stickySeconds = 0
      try host.run { engine, port in
        let stays = try TestClient.open("/room/den?uid=stays", port: port)
        let statuses = Watched<[Int: Int]>([:])
        let crawlers = (0..<4).map { crawler in
          ForeignThread {
            for name in 0..<100 {
              let status = (try? TestClient.get("/room/\(crawler)-\(name)", port: port).status) ?? 0
              statuses.change { $0[status, default: 0] += 1 }
            }
          }
        }
        for crawler in crawlers { crawler.join() }
        // Four at once, and four whose places are just given back, of sixteen: there is always an empty one.
        #expect(statuses.now == [200: 400])
        #expect(engine.gateway("Room", "den") != nil)
        #expect(eventually { engine.stats.gateways <= 16 && engine.stats.shards <= 20 })
        try stays.leave()
        #expect(eventually { engine.stats.gateways == 0 && engine.stats.shards == 0 })
        #expect(engine.gatewayCount.load(ordering: .relaxed) == 0)
        #expect(engine.shardCount.load(ordering: .relaxed) == 0)
      }
    }

    @Test(arguments: [1, 3])
    func `G9: many who come to one new name at once cost one Gateway its place`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.gatewaysMax = 4
      try host.run { engine, port in
        for room in ["a", "b", "c", "d"] { #expect(try visit(room, port: port) == 200) }
        #expect(engine.isQuiet())
        let clients = try (0..<20).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/new?uid=u\(index)")
          return client
        }
        for client in clients { #expect(try client.response()?.status == 200) }
        #expect(engine.gateway("Room", "a") == nil)
        #expect(["b", "c", "d"].allSatisfy { engine.gateway("Room", $0) != nil })
      }
    }

    @Test(arguments: [1, 3])
    func `G9: where the engine has no Shard left an empty one of another cluster makes room`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      host.options.shardsTotalMax = 3
      try host.run { engine, port in
        let a = try (0..<2).map { try TestClient.open("/room/a?uid=a\($0)", port: port) }
        let b = try TestClient.open("/room/b?uid=b", port: port)
        // All three are in use.
        #expect(try visit("c", port: port) == 503)
        #expect(try visit("a", port: port) == 503)
        #expect(eventually { engine.gateway("Room", "c") == nil })
        try a[0].leave()
        #expect(eventually { engine.stats.places == 2 })
        let c = try TestClient.open("/room/c?uid=c", port: port)
        let gateway = try #require(engine.gateway("Room", "a"))
        #expect(try gateway.stats().shards == 1)
        #expect(eventually { engine.stats.shards == 3 })
        for client in [a[1], b, c] { try client.leave() }
      }
    }

    @Test func `G9: those who wait for a Shard of the engine's are placed in their order, as far as there is room`()
      throws
    {
      var host = TestHost(workers: 3)
      host.limit = 2
      host.options.shardsTotalMax = 4
      try host.run { engine, port in
        for room in ["a", "b", "c", "d"] { #expect(try visit(room, port: port) == 200) }
        #expect(engine.isQuiet())
        let clients = try (0..<10).map { index in
          let client = try TestClient(port: port)
          try client.requestUpgrade("/room/new?uid=u\(index)")
          return client
        }
        let statuses = try clients.map { try $0.head()?.status ?? 0 }
        // Four Shards of two each, and no more.
        #expect(statuses.count { $0 == 101 } == 8)
        #expect(statuses.count { $0 == 503 } == 2)
        #expect(eventually { engine.stats.sockets == 8 && engine.stats.shards == 4 })
        for client in clients { client.close() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `G9: over uids_max one is forgotten where clients have not left for longest`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.uidsMax = 5 * workers
      try host.run { engine, port in
        for room in 0..<12 {
          for uid in 0..<5 {
            let status = try TestClient.get("/room/\(room)?uid=u\(uid)", port: port).status
            #expect(status == 200)
          }
        }
        #expect(engine.isQuiet())
        let remembered = Watched<[Int]>([])
        for worker in engine.workers {
          worker.post { worker in
            worker.ledger.checkInvariants()
            remembered.change { $0.append(worker.ledger.idleUIDs) }
          }
        }
        #expect(remembered.wait { $0.count == workers })
        #expect(remembered.now.allSatisfy { $0 <= 5 } && remembered.now.contains(5))
      }
    }
  }
}
