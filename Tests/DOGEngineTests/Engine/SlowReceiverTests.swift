import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule S8: a client that stops reading is held by a limit and a policy, and nobody else notices.
  @Suite struct SlowReceiverTests {
    private static let messageBytes = 16 << 10
    /// More than the kernel's buffers of a connection may grow to and the outbox together.
    private static let messages = 1000

    /// One client that does not read, one that does; everybody is sent more than the first can hold. `body` goes on
    /// when the other has had all.
    private func run(
      _ host: TestHost, _ body: (Engine, TestHost, _ slow: TestClient, _ drained: Watched<Int?>) throws -> Void
    ) throws {
      var host = host
      let drained = Watched<Int?>(nil)
      host.options.outboxBytesMax = 64 << 10
      host.ondrain = { _, _, dropped in drained.change { $0 = ($0 ?? 0) + dropped } }
      let watched = host
      try host.run { engine, port in
        let slow = try TestClient.open("/room/x?uid=slow", port: port, receiveBuffer: 4096)
        let quick = try TestClient.open("/room/x?uid=quick", port: port)
        let shard = try #require(watched.shards.now.first)
        let filler = String(repeating: "x", count: SlowReceiverTests.messageBytes)
        for number in 0..<SlowReceiverTests.messages {
          let status = "\(number) \(filler)".with { shard.broadcast(.text, $0) }
          #expect(status == .ok)
          let text = try quick.texts(1)[0]
          #expect(text.hasPrefix("\(number) "))
        }
        try body(engine, watched, slow, drained)
        #expect(watched.lines(of: "quick").last == "open quick")
        let status = watched.sockets.now["quick"]?.send("the end")
        #expect(status == .ok)
        let last = try quick.texts(1)
        #expect(last == ["the end"])
      }
    }

    /// The numbers of the messages that come before "the end".
    private func numbers(_ client: TestClient) throws -> [Int] {
      var numbers: [Int] = []
      while true {
        let text = try client.texts(1)[0]
        if text == "the end" { return numbers }
        numbers.append(Int(text.prefix { $0 != " " }) ?? -1)
      }
    }

    @Test(arguments: [1, 3])
    func `S8: close, the default: 1013 after onerror(slow), and whole messages up to it`(workers: Int) throws {
      try run(TestHost(workers: workers)) { engine, host, slow, _ in
        #expect(host.journal.wait { $0.contains("error slow DOG_ESLOW") })
        var count = 0
        var frame = try slow.next() as TestClient.Frame
        while case .text(let text) = frame {
          #expect(text.hasPrefix("\(count) "))
          count += 1
          frame = try slow.next()
        }
        #expect(frame == .close(code: 1013, reason: ""))
        #expect(count > 0 && count < SlowReceiverTests.messages)
        try slow.send(ClientFrame.close(1013))
        #expect(eventually { engine.stats.sockets == 1 })
        let lines = host.lines(of: "slow").suffix(2).map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
        #expect(lines.first == "error slow DOG_ESLOW")
        #expect(lines.last == "close slow 1013")
      }
    }

    /// What comes after the lost message is still in the batch of its cluster when another cluster's flush closes it.
    @Test(arguments: [nil, "permessage-deflate"])
    func `S8: close: nothing that is said after a lost message reaches its socket`(_ offer: String?) throws {
      var host = TestHost()
      host.deflate = DeflateSettings()
      host.options.outboxBytesMax = 10_000
      let watched = host
      let isFull = Watched<Bool?>(nil)
      let statuses = Watched<[Status]>([])
      let filler = Self.noise(1000)
      let lost = Self.noise(3000)
      host.onmessage = { _, _, message in
        let sockets = watched.sockets.now
        guard let slow = sockets["slow"], let shards = Optional(watched.shards.now), shards.count == 3 else { return }
        // What waits now, after the flush of the turn before, is what the kernel did not take.
        guard let waiting = slow.buffered, waiting > 7500 else {
          while let waiting = slow.buffered, waiting < 8500 { slow.send("before \(filler)") }
          return isFull.change { $0 = false }
        }
        statuses.change { statuses in
          statuses.append("other".with { shards[1].broadcast(.text, $0) })
          statuses.append(lost.with { shards[0].broadcast(.text, $0) })
          statuses.append(slow.send("direct"))
          statuses.append("AFTER".with { shards[0].broadcast(.text, $0) })
        }
        isFull.change { $0 = true }
      }
      try host.run { engine, port in
        let slow = try TestClient.open("/room/a?uid=slow", port: port, extensions: offer, receiveBuffer: 4096)
        let other = try TestClient.open("/room/b?uid=other", port: port)
        let driver = try TestClient.open("/room/c?uid=driver", port: port)
        while isFull.now != true {
          isFull.change { $0 = nil }
          try driver.send(text: "fill, and when that is done, speak")
          #expect(isFull.wait { $0 != nil })
        }
        #expect(statuses.now == [.ok, .ok, .closed, .ok])
        let heard = try other.texts(1)
        #expect(heard == ["other"])
        var frame = try slow.next() as TestClient.Frame
        while case .text(let text) = frame, text.hasPrefix("before ") { frame = try slow.next() }
        #expect(frame == .close(code: 1013, reason: ""))
        slow.close()
        for client in [other, driver] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    /// Letters that do not shrink by much.
    private static func noise(_ count: Int) -> String {
      var random = TestRandom(seed: 7)
      return String(decoding: (0..<count).map { _ in UInt8(33 + random.below(90)) }, as: UTF8.self)
    }

    @Test(arguments: [1, 3], [OutboxPolicy.dropNewest, .dropOldest])
    func `S8: what a policy drops is counted and told, the rest comes in order`(
      _ workers: Int, _ policy: OutboxPolicy
    ) throws {
      var host = TestHost(workers: workers)
      host.options.outboxPolicy = policy
      try run(host) { engine, host, slow, drained in
        let dropped = engine.stats.dropped
        #expect(dropped > 0)
        // The client reads again: it gets what was kept, then ondrain says what was not.
        let kept = SlowReceiverTests.messages - dropped
        var numbers: [Int] = []
        for text in try slow.texts(kept) { numbers.append(Int(text.prefix { $0 != " " }) ?? -1) }
        #expect(numbers == numbers.sorted())
        #expect(Set(numbers).count == kept)
        #expect(numbers.first == 0)
        // The newest are kept by the one, lost by the other.
        #expect((numbers.last == SlowReceiverTests.messages - 1) == (policy == .dropOldest))
        #expect(drained.wait { $0 == dropped })
        #expect(engine.stats.dropped == dropped)
        #expect(host.lines(of: "slow").contains("drain slow"))
        let status = host.sockets.now["slow"]?.send("the end")
        #expect(status == .ok)
        let rest = try self.numbers(slow)
        #expect(rest == [])
      }
    }
  }
}
