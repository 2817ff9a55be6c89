import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// What clients can bring about any amount of is done so much a turn: others come in between.
  @Suite struct TurnTests {
    /// How often something happened in each turn of an engine's one worker.
    ///
    /// `@unchecked Sendable`: touched on that worker alone, and looked at when it has ended or has nothing to do.
    private final class Turns: @unchecked Sendable {
      private var turn = 0
      private var counts: [Int: Int] = [:]

      func watch(_ engine: Engine) {
        engine.workers[0].post { [self] worker in
          let atTurnEnd = worker.loop.onTurnEnd
          worker.loop.onTurnEnd = { [self] in
            turn += 1
            atTurnEnd()
          }
        }
      }

      func note() { counts[turn, default: 0] += 1 }

      var most: Int { counts.values.max() ?? 0 }
      var total: Int { counts.values.reduce(0, +) }
    }

    private static let many = Worker.atOnceMax * 5 / 2

    @Test(arguments: [true, false])
    func `G4: of many who waited for a Shard so many are sent on a turn, or told that there is none`(isNamed: Bool)
      throws
    {
      let turns = Turns()
      var host = TestHost()
      let asked = Watched<RequestHandle?>(nil)
      host.limit = TurnTests.many
      host.clusterize = { request in asked.change { $0 = request } }
      host.receive = { shard, request in
        turns.note()
        TestHost.welcome(shard, request)
      }
      try host.run { engine, port in
        turns.watch(engine)
        let clients = try (0..<TurnTests.many).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          return client
        }
        #expect(eventually { engine.stats.places == TurnTests.many })
        let request = try #require(asked.now)
        if isNamed {
          #expect("named".with { request.clusterize($0) } == .ok)
        } else {
          #expect(request.respond(status: 418, body: "none") == .ok)
        }
        for client in clients { #expect(try client.response()?.status == (isNamed ? 200 : 418)) }
        #expect(turns.total == (isNamed ? TurnTests.many : 0))
        #expect(turns.most <= Worker.atOnceMax)
        for client in clients { client.close() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `G5: of many who wait for a Shard each may leave, and the others are sent on in their order`() throws {
      var host = TestHost()
      let asked = Watched<RequestHandle?>(nil)
      host.limit = 100
      host.clusterize = { request in asked.change { $0 = request } }
      try host.run { engine, port in
        let clients = try (0..<100).map { index in
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index)")
          #expect(eventually { engine.stats.places == index + 1 })
          return client
        }
        for index in stride(from: 1, to: 100, by: 2) { clients[index].close() }
        #expect(eventually { engine.stats.places == 50 })
        let request = try #require(asked.now)
        #expect("named".with { request.clusterize($0) } == .ok)
        for index in stride(from: 0, to: 100, by: 2) { #expect(try clients[index].response()?.status == 200) }
        let received = host.journal.now.filter { $0.hasPrefix("receive") }
        #expect(received == stride(from: 0, to: 100, by: 2).map { "receive u\($0)" })
      }
    }

    /// Opens so many Shards, one client on each, and has all clients gone within one turn.
    private func shrink(_ host: TestHost, _ turns: Turns, _ body: (Engine) throws -> Void) throws {
      var host = host
      let isHeld = Gate()
      let goesOn = Gate()
      host.limit = 1
      host.onmessage = { _, _, _ in
        isHeld.open()
        goesOn.pass()
      }
      try host.run { engine, port in
        turns.watch(engine)
        let clients = try (0..<TurnTests.many).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        #expect(engine.stats.shards == TurnTests.many)
        try clients[0].send(text: "hold")
        #expect(isHeld.pass())
        for client in clients { client.reset() }
        goesOn.open()
        try body(engine)
      }
    }

    @Test func `G6: of many Shards that are due at once so many are retired a turn`() throws {
      let turns = Turns()
      var host = TestHost()
      host.idleSeconds = 1
      host.stickySeconds = 0
      host.onstop = { _ in turns.note() }
      try shrink(host, turns) { engine in
        #expect(eventually { engine.stats.shards == 0 && engine.stats.gateways == 0 })
        #expect(turns.total == TurnTests.many)
        #expect(turns.most <= Worker.atOnceMax)
      }
    }

    @Test func `E3: at a stop so many Shards end a turn, and all of them do`() throws {
      let turns = Turns()
      var host = TestHost()
      host.onstop = { _ in turns.note() }
      try shrink(host, turns) { engine in
        #expect(engine.isQuiet())
        #expect(engine.stop(graceMs: 0) == .ok)
        #expect(turns.total == TurnTests.many)
        #expect(turns.most <= Worker.atOnceMax)
      }
    }

    @Test func `E2: of many deadlines that come at once so many are met a turn, and all of them are`() throws {
      let turns = Turns()
      var host = TestHost()
      let rooms = Worker.remindersAtOnceMax * 3 / 2
      let isHeld = Gate()
      host.idleSeconds = 1
      host.stickySeconds = 0
      host.onstop = { _ in turns.note() }
      host.onmessage = { _, _, _ in
        isHeld.open()
        // Long enough for every room to be due.
        usleep(1_300_000)
      }
      try host.run { engine, port in
        turns.watch(engine)
        let holder = try TestClient.open("/room/holder?uid=h", port: port)
        let client = try TestClient(port: port)
        for room in 0..<rooms { try client.request("/room/\(room)") }
        for _ in 0..<rooms { #expect(try client.response()?.status == 200) }
        try holder.send(text: "hold")
        #expect(isHeld.pass())
        #expect(eventually { engine.stats.shards == 1 })
        #expect(turns.total == rooms)
        #expect(turns.most <= Worker.atOnceMax)
        try holder.leave()
      }
    }
  }
}
