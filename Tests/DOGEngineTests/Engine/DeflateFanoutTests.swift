import Testing

@testable import DOGEngine

extension EngineTests {
  /// What holds of messages to many holds also where receivers agreed to different encodings.
  @Suite struct DeflateFanoutTests {
    /// Plain and every window that is treated in its own way.
    private static let offers: [String?] = [
      nil, "permessage-deflate", "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=12",
      "permessage-deflate; unknown",
    ]

    private static func host(workers: Int) -> TestHost {
      var host = TestHost(workers: workers)
      host.limit = 5
      host.deflate = DeflateSettings()
      return host
    }

    /// So long that it falls on another side of another rule each time.
    private static func words(_ number: Int) -> String {
      "\(number) " + String(repeating: "word \(number) ", count: [0, 4, 20, 100, 700][number % 5])
    }

    @Test(arguments: [1, 3], [4 << 20, 16 << 10])
    func `S4, S5: everybody gets all in order, the sender not its own, and the counts are exact`(
      _ workers: Int, _ turnBytes: Int
    ) throws {
      var host = Self.host(workers: workers)
      host.options.writeTurnBytesMax = turnBytes
      let rounds = 40
      // One callback says things in every way: each receiver must have them in this order.
      host.onmessage = { shard, socket, _ in
        let everybody = Name("everybody")
        for number in 0..<rounds {
          let words = Self.words(number)
          _ = "broadcast \(words)".with { socket.broadcast(.text, $0) }
          _ = "send \(words)".with { socket.send(.text, $0) }
          _ = "emit \(words)".with { socket.emit(.text, $0, toSelf: number % 2 == 0) }
          if let everybody { _ = "whisper \(words)".with { socket.whisper(everybody, .text, $0) } }
          _ = "all \(words)".with { shard.broadcast(.text, $0) }
        }
      }
      try host.run { engine, port in
        var clients: [TestClient] = []
        for index in 0..<18 {
          let uid = index == 0 ? "sender" : index % 3 == 0 ? "everybody" : "somebody"
          // The sender's own encoding differs from run to run of this loop only by what it offered: here 9 bits.
          let offer = index == 0 ? Self.offers[3] : Self.offers[index % 6]
          clients.append(try TestClient.open("/room/x?uid=\(uid)", port: port, extensions: offer))
        }
        let before = engine.stats.messagesOut
        try clients[0].send(text: "go")
        var heard = 0
        let shards = host.shards.now.count
        #expect(shards == 4)
        for (index, client) in clients.enumerated() {
          var expected: [[String]] = []
          for number in 0..<rounds {
            var round: [String] = []
            if index > 0 { round.append("broadcast") }
            if index == 0 { round.append("send") }
            if index == 0 && number % 2 == 0 { round.append("emit") }
            if index % 3 == 0 && index > 0 { round.append("whisper") }
            round.append("all")
            expected.append(round)
          }
          for number in 0..<rounds {
            var rest = expected[number][...]
            while let kind = rest.first {
              let text = try client.texts(1)[0]
              heard += 1
              // Those on the sender's Shard hear its emits too.
              if index > 0, text.hasPrefix("emit ") { continue }
              #expect(text == "\(kind) \(Self.words(number))", "client \(index)")
              rest.removeFirst()
            }
          }
          let agreed = index == 0 || index % 6 != 0 && index % 6 != 5
          #expect((client.compressed > 0) == agreed, "client \(index)")
        }
        #expect(eventually { engine.stats.messagesOut - before == heard })
        #expect(engine.stats.dropped == 0)
        for client in clients { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3], [OutboxPolicy.dropNewest, .dropOldest])
    func `S8: a policy drops whole messages, compressed ones too, and each that is left inflates`(
      _ workers: Int, _ policy: OutboxPolicy
    ) throws {
      var host = Self.host(workers: workers)
      host.limit = 1
      host.options.outboxPolicy = policy
      host.options.outboxBytesMax = 64 << 10
      let watched = host
      try host.run { engine, port in
        let offer = "permessage-deflate; server_max_window_bits=12"
        let slow = try TestClient.open("/room/x?uid=slow", port: port, extensions: offer, receiveBuffer: 4096)
        let quick = try TestClient.open("/room/x?uid=quick", port: port, extensions: "permessage-deflate")
        let shard = try #require(watched.shards.now.first)
        let noise = Self.noise(3)
        var messages = 0
        // How much the kernel takes before the outbox fills is its own affair.
        while engine.stats.dropped < 20 && messages < 1000 {
          let status = "\(messages) \(noise)".with { shard.broadcast(.text, $0) }
          #expect(status == .ok)
          let text = try quick.texts(1)[0]
          #expect(text == "\(messages) \(noise)")
          messages += 1
        }
        let dropped = engine.stats.dropped
        #expect(dropped >= 20)
        var numbers: [Int] = []
        for text in try slow.texts(messages - dropped) {
          #expect(text.hasSuffix(" \(noise)"))
          numbers.append(Int(text.prefix { $0 != " " }) ?? -1)
        }
        #expect(numbers == numbers.sorted())
        #expect(Set(numbers).count == messages - dropped)
        #expect((numbers.last == messages - 1) == (policy == .dropOldest))
        #expect(slow.compressed == messages - dropped)
      }
    }

    /// Letters that take more than half of their room when compressed.
    private static func noise(_ seed: UInt64) -> String {
      var random = TestRandom(seed: seed)
      return String((0..<24_000).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement(using: &random) ?? "a" })
    }

    @Test func `what an onerror sends does not get into the whisper that brought it about`() throws {
      var host = Self.host(workers: 1)
      host.options.outboxBytesMax = 64 << 10
      let other = Self.noise(5)
      host.onerror = { shard, _, _ in _ = other.with { shard.broadcast(.text, $0) } }
      let watched = host
      try host.run { engine, port in
        let offer = "permessage-deflate"
        let slow = try TestClient.open("/room/x?uid=x", port: port, extensions: offer, receiveBuffer: 4096)
        let quick = try TestClient.open("/room/x?uid=x", port: port, extensions: offer)
        let shard = try #require(watched.shards.now.first)
        let uid = try #require(Name("x"))
        let noise = Self.noise(3)
        var isOver = false
        for number in 0..<1000 where !isOver {
          let whisper = "\(number) \(noise)"
          let status = whisper.with { shard.whisper(uid, .text, $0) }
          #expect(status == .ok)
          let isRight = try quick.texts(1) == [whisper]
          #expect(isRight)
          isOver = watched.journal.now.contains("error x DOG_ESLOW")
        }
        #expect(isOver)
        let isRight = try quick.texts(1) == [other]
        #expect(isRight)
        slow.close()
        try quick.leave()
        #expect(engine.isQuiet())
      }
    }

    @Test func `what an ondrain sends does not get into what is being sent`() throws {
      var host = Self.host(workers: 1)
      host.options.outboxBytesMax = 64 << 10
      host.options.outboxPolicy = .dropNewest
      let other = Self.noise(5)
      host.ondrain = { _, socket, _ in _ = other.with { socket.send(.text, $0) } }
      let watched = host
      try host.run { engine, port in
        let offer = "permessage-deflate"
        let client = try TestClient.open("/room/x?uid=x", port: port, extensions: offer, receiveBuffer: 4096)
        #expect(watched.saw("open x"))
        let shard = try #require(watched.shards.now.first)
        let noise = Self.noise(3)
        for number in 0..<1000 where engine.stats.dropped == 0 {
          let status = "\(number) \(noise)".with { shard.broadcast(.text, $0) }
          #expect(status == .ok)
        }
        #expect(eventually { engine.stats.dropped > 0 })
        // It reads again while more is said: the outbox drains somewhere in between.
        let goesOn = Gate()
        let isOver = Gate()
        let speaker = ForeignThread {
          for number in 1000..<1200 where !isOver.now {
            _ = "\(number) \(noise)".with { shard.broadcast(.text, $0) }
            if number == 1001 { goesOn.open() }
          }
        }
        goesOn.pass()
        var seen: [String] = []
        while !seen.contains(other) { seen += try client.texts(1) }
        isOver.open()
        speaker.join()
        let isRight = seen.allSatisfy { $0 == other || $0.hasSuffix(" \(noise)") }
        #expect(isRight)
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [nil, "permessage-deflate"])
    func `what a socket that is lost says in its onerror is heard by the only one left`(_ offer: String?) throws {
      var host = Self.host(workers: 1)
      host.onerror = { _, socket, _ in _ = Self.words(3).with { socket.broadcast(.text, $0) } }
      try host.run { engine, port in
        let stays = try TestClient.open("/room/x?uid=stays", port: port, extensions: offer)
        let other = try TestClient.open("/room/x?uid=other", port: port, extensions: Self.offers[4])
        let leaves = try TestClient.open("/room/x?uid=leaves", port: port, extensions: offer)
        leaves.close()
        let heard = try [stays.texts(1), other.texts(1)]
        #expect(heard == [[Self.words(3)], [Self.words(3)]])
        for client in [stays, other] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `sockets come and go between broadcasts from a thread of the host`() throws {
      let host = Self.host(workers: 3)
      try host.run { engine, port in
        var open: [TestClient] = []
        var random = TestRandom(seed: 11)
        for turn in 0..<60 {
          open.append(
            try TestClient.open("/room/x?uid=a", port: port, extensions: Self.offers[turn % Self.offers.count]))
          if open.count > 8 {
            let leaving = open.remove(at: Int.random(in: 0..<open.count, using: &random))
            Bool.random(using: &random) ? leaving.reset() : try leaving.leave()
          }
          guard let gateway = host.gateways.now.last else { continue }
          let text = Self.words(turn)
          let status = text.with { gateway.broadcast(.text, $0) }
          #expect(status == .ok)
          for client in open {
            let heard = try client.texts(1)
            #expect(heard == [text])
          }
        }
        for client in open { try client.leave() }
        #expect(engine.isQuiet())
      }
    }
  }
}
