import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rules S2 to S5: a socket's life, and the order of what is sent.
  @Suite struct SocketLifeTests {
    @Test(arguments: [1, 3])
    func `S2: onopen is first, messages follow in order, one onclose is last`(workers: Int) throws {
      let host = TestHost(workers: workers)
      try host.run { _, port in
        let client = try TestClient(port: port)
        // All at once: the messages are there before the Shard has the socket.
        let upgrade = ["GET /room/x?uid=a HTTP/1.1", "Host: dog"] + TestClient.upgradeHeaders
        let messages = (0..<5).flatMap { ClientFrame.text("\($0)") }
        try client.send(
          [UInt8]((upgrade.joined(separator: "\r\n") + "\r\n\r\n").utf8) + messages + ClientFrame.close(1000))
        try client.expectUpgrade()
        #expect(try client.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        #expect(host.saw("close a 1000 clean"))
        let messageLines = (0..<5).map { "message a \($0)" }
        #expect(host.lines(of: "a") == ["identify a", "receive a", "open a"] + messageLines + ["close a 1000 clean"])
      }
    }

    static let failures: [(String, [UInt8], String, UInt16)] = [
      ("a frame without a mask", [0x81, 0x01, 0x61], "DOG_EPROTOCOL", 1002),
      ("text that is not UTF-8", ClientFrame.text([0xFF]), "DOG_EPROTOCOL", 1007),
      ("a message over message_bytes_max", ClientFrame.binary([UInt8](repeating: 0, count: 2001)), "DOG_ETOOBIG", 1009),
    ]

    @Test(arguments: failures)
    func `S2: onerror is right before the one onclose`(_: String, bytes: [UInt8], error: String, code: UInt16) throws {
      var host = TestHost()
      host.options.messageBytesMax = 2000
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(bytes)
        guard case .close(code, _) = try client.next() as TestClient.Frame else {
          Issue.record("no close frame with \(code)")
          return
        }
        client.close()
        #expect(engine.isQuiet())
        #expect(host.saw("close a \(code) unclean"))
        #expect(host.lines(of: "a").suffix(3) == ["open a", "error a \(error)", "close a \(code) unclean"])
      }
    }

    @Test func `S2: an error of onmessage closes with 1011, after onerror`() throws {
      var host = TestHost()
      host.onmessage = { _, _, _ in throw Status.system }
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(text: "x")
        #expect(try client.next() as TestClient.Frame == .close(code: 1011, reason: ""))
        client.close()
        #expect(host.saw("close a 1011 unclean"))
        #expect(host.lines(of: "a").suffix(2) == ["error a DOG_EHOST", "close a 1011 unclean"])
      }
    }

    @Test func `S2: a client that is lost is an error, then closed with 1006`() throws {
      let host = TestHost()
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        client.reset()
        #expect(host.saw("close a 1006 unclean"))
        #expect(host.lines(of: "a").suffix(3) == ["open a", "error a DOG_ERESET", "close a 1006 unclean"])
        #expect(engine.isQuiet())
      }
    }

    @Test func `S2: what is broadcast during onopen reaches the socket that opens`() throws {
      var host = TestHost()
      host.onopen = { shard, _ in #expect("welcome".with { shard.broadcast(.text, $0) } == .ok) }
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(try client.texts(1) == ["welcome"])
      }
    }

    @Test func `S2: a socket that its Shard closes before onopen was never open: no onopen, no onclose`() throws {
      var host = TestHost()
      host.receive = { shard, request in
        request.connect()
        for socket in shard.sockets { #expect(socket.close(code: 4000) == .ok) }
      }
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(try client.next() as TestClient.Frame == .close(code: 4000, reason: ""))
        client.close()
        #expect(engine.isQuiet())
        #expect(host.journal.now == ["identify a", "start", "receive a"])
      }
    }

    @Test(arguments: [1, 3])
    func `S3: two sockets of one uid are two: closing one leaves the other`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      try host.run { engine, port in
        let first = try TestClient.open("/room/x?uid=twin", port: port)
        let second = try TestClient.open("/room/x?uid=twin", port: port)
        #expect(host.saw("open twin", times: 2))
        try first.leave()
        #expect(host.saw("close twin 1000 clean"))
        #expect(host.sockets.now["twin"]?.send("you are left") == .ok)
        #expect(try second.texts(1) == ["you are left"])
        #expect(eventually { engine.stats.sockets == 1 })
      }
    }

    @Test(arguments: [1, 3])
    func `S4: what one sender sends in every way arrives in that order`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 2
      let reader = try #require(Name("reader"))
      host.onmessage = { shard, socket, _ in
        for index in 0..<200 {
          let text = "\(index)"
          let status = text.with { bytes in
            switch index % 4 {
            case 0: socket.broadcast(.text, bytes)
            case 1: socket.whisper(reader, .text, bytes)
            case 2: shard.broadcast(.text, bytes)
            default: shard.whisper(reader, .text, bytes)
            }
          }
          #expect(status == .ok)
        }
      }
      try host.run { _, port in
        // Three Shards of two: one reader is beside the sender, the others elsewhere.
        let sender = try TestClient.open("/room/x?uid=sender", port: port)
        let readers = try (0..<4).map { _ in try TestClient.open("/room/x?uid=reader", port: port) }
        try sender.send(text: "go")
        for client in readers { #expect(try client.texts(200) == (0..<200).map { "\($0)" }) }
        // The sender has the Shard's broadcasts, and of its own none.
        #expect(try sender.texts(50) == stride(from: 2, to: 200, by: 4).map { "\($0)" })
      }
    }

    @Test func `S4: emit, broadcast, whisper and send keep their order at one receiver of the Shard`() throws {
      var host = TestHost()
      let reader = try #require(Name("reader"))
      let sockets = host.sockets
      host.onmessage = { shard, socket, _ in
        let other = sockets.now["reader"]
        for index in 0..<200 {
          let status = "\(index)".with { bytes in
            switch index * 7 % 5 {
            case 0: socket.emit(.text, bytes)
            case 1: other?.send(.text, bytes) ?? .stale
            case 2: socket.broadcast(.text, bytes)
            case 3: shard.emit(.text, bytes)
            default: socket.whisper(reader, .text, bytes)
            }
          }
          #expect(status == .ok)
        }
      }
      try host.run { _, port in
        let sender = try TestClient.open("/room/x?uid=sender", port: port)
        let client = try TestClient.open("/room/x?uid=reader", port: port)
        try sender.send(text: "go")
        #expect(try client.texts(200) == (0..<200).map { "\($0)" })
      }
    }

    @Test func `S4: a sender gets its own only with toSelf`() throws {
      var host = TestHost()
      host.onmessage = { _, socket, _ in
        _ = "not to me".with { socket.emit(.text, $0) }
        _ = "not this".with { socket.broadcast(.text, $0) }
        _ = "emitted".with { socket.emit(.text, $0, toSelf: true) }
        _ = "broadcast".with { socket.broadcast(.text, $0, toSelf: true) }
      }
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let other = try TestClient.open("/room/x?uid=b", port: port)
        try client.send(text: "go")
        #expect(try client.texts(2) == ["emitted", "broadcast"])
        #expect(try other.texts(4) == ["not to me", "not this", "emitted", "broadcast"])
      }
    }

    @Test(arguments: [1, 3])
    func `S5: a whisper counts the sockets it was queued to, over all Shards and workers`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      let counts = Watched<[Int]>([])
      host.onmessage = { _, socket, message in
        let uid = try #require(Name(message.text))
        let status = "psst".with { socket.whisper(uid, .text, $0) { _, count in counts.change { $0.append(count) } } }
        #expect(status == .ok)
      }
      try host.run { _, port in
        let sender = try TestClient.open("/room/x?uid=sender", port: port)
        let several = try (0..<4).map { _ in try TestClient.open("/room/x?uid=several", port: port) }
        for (uid, count) in [("nobody", 0), ("several", 4), ("sender", 1)] {
          try sender.send(text: uid)
          #expect(counts.wait { $0.last == count && !$0.isEmpty })
          counts.change { $0.removeAll() }
        }
        for client in several { #expect(try client.texts(1) == ["psst"]) }
        #expect(try sender.texts(1) == ["psst"])
        // Who has closed is not counted.
        try several[0].leave()
        #expect(host.saw("close several 1000 clean"))
        try sender.send(text: "several")
        #expect(counts.wait { $0 == [3] })
      }
    }

    @Test(arguments: [1, 3])
    func `S7: Gateway and Shard send with no socket involved, from a foreign thread`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      try host.run { engine, port in
        let clients = try ["a", "b", "c"].map { try TestClient.open("/room/x?uid=\($0)", port: port) }
        let gateway = try #require(engine.gateway("Room", "x"))
        let shard = try #require(host.shards.now.last)
        let name = try #require(Name("b"))
        #expect("all".with { gateway.broadcast(.text, $0) } == .ok)
        for client in clients { #expect(try client.texts(1) == ["all"]) }
        #expect("again".with { shard.broadcast(.binary, $0) } == .ok)
        for client in clients { #expect(try client.next() as TestClient.Frame == .binary([UInt8]("again".utf8))) }
        #expect("mine".with { shard.emit(.text, $0) } == .ok)
        #expect(try clients[2].texts(1) == ["mine"])
        let counts = Watched<[Int]>([])
        #expect(
          "psst".with { gateway.whisper(name, .text, $0) { _, count in counts.change { $0.append(count) } } } == .ok)
        #expect(counts.wait { $0 == [1] })
        #expect(
          "psst".with { shard.whisper(name, .text, $0) { _, count in counts.change { $0.append(count) } } } == .ok)
        #expect(counts.wait { $0 == [1, 1] })
        #expect(try clients[1].texts(2) == ["psst", "psst"])
        #expect(host.sockets.now["a"]?.send("one") == .ok)
        #expect(try clients[0].texts(1) == ["one"])
        #expect(host.sockets.now["a"]?.close(code: 4001, reason: "bye") == .ok)
        #expect(try clients[0].next() as TestClient.Frame == .close(code: 4001, reason: "bye"))
      }
    }
  }
}
