import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule S6: one result of each sibling, and a silent one costs its own entry alone.
  @Suite struct GossipTests {
    /// What came back, by the Shard that it came from.
    private typealias Answers = Watched<[ShardHandle: GossipResult]?>

    /// Opens so many Shards, one client on each; the first one's asks when its client says so.
    private func run(
      _ host: TestHost, shards: Int, timeoutMs: UInt64 = 20_000,
      _ body: ([ShardHandle: GossipResult], TestHost) throws -> Void
    ) throws {
      let answers = Answers(nil)
      var host = host
      host.limit = 1
      host.onmessage = { shard, _, _ in
        let status = "who is there?".with {
          shard.gossip($0, timeoutMs: timeoutMs) { _, results in
            answers.change { $0 = Dictionary(results.map { ($0.shard, $0) }) { first, _ in first } }
          }
        }
        #expect(status == .ok)
      }
      let asking = host
      try host.run { _, port in
        let clients = try (0..<shards).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0 != nil })
        try body(answers.now ?? [:], asking)
      }
    }

    @Test(arguments: [1, 3])
    func `S6: bytes, a failure with its text, an error, silence: each is one sibling's own entry`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let shards = host.shards
      let questions = Watched<[String]>([])
      host.ongossip = { shard, gossip, question in
        questions.change { $0.append(String(decoding: question, as: UTF8.self)) }
        switch shards.now.firstIndex(of: shard) {
        case 1: #expect(gossip.reply("me") == .ok)
        case 2: #expect("not well".with { gossip.fail($0) } == .ok)
        case 3: throw Status.system
        case 4: ForeignThread { #expect(gossip.reply("late") == .ok) }
        default: break
        }
      }
      try run(host, shards: 6, timeoutMs: 300) { answers, host in
        let shards = host.shards.now
        try #require(shards.count == 6)
        #expect(answers.count == 5)
        #expect(answers[shards[0]] == nil)
        let expected: [(Status, String)] = [
          (.ok, "me"), (.host, "not well"), (.host, ""), (.ok, "late"), (.timedOut, ""),
        ]
        for (shard, entry) in zip(shards.dropFirst(), expected) {
          #expect(answers[shard]?.status == entry.0)
          #expect(String(decoding: answers[shard]?.data ?? [], as: UTF8.self) == entry.1)
        }
        #expect(questions.now == Array(repeating: "who is there?", count: 5))
      }
    }

    @Test func `S6: a sibling whose worker does something else until the deadline has its entry too`() throws {
      var host = TestHost(workers: 2)
      let (isBusy, goesOn) = (Gate(), Gate())
      let answers = Watched<(Status, [GossipResult])?>(nil)
      host.limit = 1
      host.ongossip = { _, gossip, _ in gossip.reply("me") }
      host.onmessage = { shard, _, message in
        guard message.text == "ask" else {
          isBusy.open()
          goesOn.pass()
          return
        }
        _ = "?".with {
          shard.gossip($0, timeoutMs: 50) { status, results in answers.change { $0 = (status, results) } }
        }
      }
      try host.run { engine, port in
        let clients = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let shards = host.shards.now
        try #require(shards.count == 2 && Set(shards.map(\.handle.worker)).count == 2)
        try clients[1].send(text: "be busy")
        #expect(isBusy.pass())
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0 != nil })
        goesOn.open()
        let (status, results) = try #require(answers.now)
        #expect(status == .ok)
        #expect(results.map(\.status) == [.timedOut])
        #expect(results.first.map { shards.contains($0.shard) } == true)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `S6: the time of a question begins when it is asked, however long the callback has run`() throws {
      var host = TestHost(workers: 2)
      let answers = Watched<[Status]?>(nil)
      host.limit = 1
      host.ongossip = { _, gossip, _ in gossip.reply("me") }
      host.onmessage = { shard, _, _ in
        usleep(2_100_000)
        _ = "?".with {
          shard.gossip($0, timeoutMs: 2000) { _, results in answers.change { $0 = results.map(\.status) } }
        }
      }
      try host.run { engine, port in
        let clients = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0 != nil })
        #expect(answers.now == [.ok])
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `S6: a class without the callback says so`() throws {
      try run(TestHost(), shards: 2) { answers, host in
        #expect(answers.values.map(\.status) == [.noHandler])
      }
    }

    @Test(arguments: [1, 3])
    func `S6: without siblings the answer is an empty list at once`(workers: Int) throws {
      try run(TestHost(workers: workers), shards: 1) { answers, _ in #expect(answers.isEmpty) }
    }

    @Test(arguments: [1, 3])
    func `S6: a sibling that goes before it answers is gone`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let answers = Watched<[Status]?>(nil)
      let isAsked = Gate()
      host.limit = 1
      host.idleSeconds = 0
      host.ongossip = { _, _, _ in isAsked.open() }
      host.onmessage = { shard, _, _ in
        _ = "?".with {
          shard.gossip($0, timeoutMs: 60_000) { _, results in answers.change { $0 = results.map(\.status) } }
        }
      }
      try host.run { _, port in
        let asker = try TestClient.open("/room/x?uid=asker", port: port)
        let sibling = try TestClient.open("/room/x?uid=sibling", port: port)
        try asker.send(text: "ask")
        #expect(isAsked.pass())
        try sibling.leave()
        #expect(answers.wait { $0 == [.gone] })
      }
    }

    @Test func `E2: gossips_max of a Shard's questions wait, the next is refused`() throws {
      var host = TestHost()
      let statuses = Watched<[Status]>([])
      host.limit = 1
      host.options.gossipsMax = 2
      host.options.gossipBytesMax = 10
      host.ongossip = { _, _, _ in }
      host.onmessage = { shard, _, message in
        let status = message.text.with { shard.gossip($0) { _, _ in } }
        statuses.change { $0.append(status) }
      }
      try host.run { _, port in
        let asker = try TestClient.open("/room/x?uid=asker", port: port)
        _ = try TestClient.get("/room/x?uid=sibling", port: port)
        for text in ["eleven byte", "a", "b", "c"] { try asker.send(text: text) }
        #expect(statuses.wait { $0 == [.tooBig, .ok, .ok, .full] })
      }
    }
  }
}
