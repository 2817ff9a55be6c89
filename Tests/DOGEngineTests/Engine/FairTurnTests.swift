import Testing

@testable import DOGEngine

extension EngineTests {
  /// A client that makes a worker read or write very much keeps no other client waiting for the end of it.
  @Suite struct FairTurnTests {
    /// Has the worker in a callback until `body` has returned: what is sent in there comes in one turn.
    private static func inOneTurn(
      _ client: TestClient, _ isHeld: Gate, _ goesOn: Gate, _ body: () throws -> Void
    ) throws {
      try client.send(text: "hold")
      #expect(isHeld.pass())
      try body()
      goesOn.open()
    }

    @Test func `E2: a burst of requests is read in turns, and others are read in between`() throws {
      var host = TestHost()
      host.options.readTurnBytesMax = 64 << 10
      let (isHeld, goesOn) = (Gate(), Gate())
      host.onmessage = { _, socket, message in
        guard message.text == "hold" else { return _ = socket.send(message.text) }
        isHeld.open()
        goesOn.pass()
      }
      try host.run { engine, port in
        let holder = try TestClient.open("/room/x?uid=holder", port: port)
        let quiet = try TestClient.open("/room/x?uid=quiet", port: port)
        let bursts = try (0..<4).map { _ in try TestClient(port: port) }
        let count = 500
        try Self.inOneTurn(holder, isHeld, goesOn) {
          for burst in bursts {
            try burst.send(String(repeating: "GET /room/x?uid=b HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
          }
          try quiet.send(text: "me")
        }
        #expect(try quiet.texts(1) == ["me"])
        let before = host.journal.now.prefix { $0 != "message quiet me" }.count { $0 == "receive b" }
        // A turn has room for 8 requests: those of a few turns come first, and not all.
        #expect(before <= 100)
        for burst in bursts {
          for _ in 0..<count { #expect(try burst.response()?.status == 200) }
          burst.close()
        }
        for client in [holder, quiet] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [false, true])
    func `E2: messages that come all at once are read in turns`(_ compresses: Bool) throws {
      var host = TestHost()
      host.options.readTurnBytesMax = 64 << 10
      host.deflate = DeflateSettings()
      let (isHeld, goesOn) = (Gate(), Gate())
      host.onmessage = { _, socket, message in
        guard message.text == "hold" else { return _ = socket.send(message.text) }
        isHeld.open()
        goesOn.pass()
      }
      try host.run { engine, port in
        let offer = compresses ? "permessage-deflate" : nil
        let holder = try TestClient.open("/room/x?uid=holder", port: port)
        let quiet = try TestClient.open("/room/x?uid=quiet", port: port)
        let bursts = try (0..<4).map { try TestClient.open("/room/x?uid=b\($0)", port: port, extensions: offer) }
        // More than one read of each.
        let (count, text) = (1000, String(repeating: "w", count: 500))
        let readers = bursts.map { burst in
          ForeignThread {
            let heard = try? burst.texts(count)
            #expect(heard == [String](repeating: text, count: count))
          }
        }
        let writers = Watched(0)
        try Self.inOneTurn(holder, isHeld, goesOn) {
          try quiet.send(text: "me")
          for burst in bursts {
            ForeignThread {
              for _ in 0..<count { try? burst.send(text: text) }
              writers.change { $0 += 1 }
            }
          }
        }
        #expect(try quiet.texts(1) == ["me"])
        let before = host.journal.now.prefix { $0 != "message quiet me" }.count { $0.hasPrefix("message b") }
        #expect(before < count)
        #expect(writers.wait { $0 == bursts.count })
        for reader in readers { reader.join() }
        for client in [holder, quiet] + bursts { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `E2: whoever makes a worker write in mid-turn keeps nobody from the end of the turn`() throws {
      var host = TestHost()
      host.options.writeTurnBytesMax = 256 << 10
      let (isHeld, goesOn) = (Gate(), Gate())
      let watched = host
      let large = String(repeating: "w", count: 100_000)
      host.onmessage = { _, socket, message in
        switch message.text {
        case "hold":
          isHeld.open()
          goesOn.pass()
        // Past what a turn collects, so that the kernel is asked at once.
        case "much": for _ in 0..<8 { _ = socket.send(large) }
        default: _ = socket.send(message.text)
        }
      }
      /// Whether the quiet socket had been written to at the end of the turn in which it was sent something.
      let wasWritten = Watched<[Bool]>([])
      try host.run { engine, port in
        let holder = try TestClient.open("/room/x?uid=holder", port: port)
        let quiet = try TestClient.open("/room/x?uid=quiet", port: port)
        let greedy = try TestClient.open("/room/x?uid=greedy", port: port)
        #expect(watched.sockets.wait { $0["quiet"] != nil })
        let handle = try #require(watched.sockets.now["quiet"]).handle
        let isWatching = Gate()
        engine.workers[0].post { worker in
          let end = worker.loop.onTurnEnd
          worker.loop.onTurnEnd = { [unowned worker] in
            let isQueued = worker.tables.sockets.find(handle)?.isDirty == true
            end()
            if isQueued { wasWritten.change { $0.append(worker.tables.sockets.find(handle)?.isDirty == false) } }
          }
          isWatching.open()
        }
        isWatching.pass()
        try Self.inOneTurn(holder, isHeld, goesOn) {
          try greedy.send(text: "much")
          try quiet.send(text: "me")
        }
        #expect(try quiet.texts(1) == ["me"])
        #expect(wasWritten.wait { !$0.isEmpty })
        #expect(wasWritten.now.first == true)
        #expect(try greedy.texts(8) == [String](repeating: large, count: 8))
        for client in [holder, quiet, greedy] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [false, true])
    func `E2: a loop that holds reads what closes, whoever waits in line`(_ closesBefore: Bool) throws {
      let host = TestHost()
      try host.run { engine, port in
        let leaving = try TestClient.open("/room/x?uid=leaving", port: port)
        let talking = try TestClient.open("/room/x?uid=talking", port: port)
        #expect(host.sockets.wait { $0.count == 2 })
        let sockets = host.sockets.now
        let (leaver, talker) = (try #require(sockets["leaving"]), try #require(sockets["talking"]))
        func onWorker(_ body: @escaping @Sendable (Worker) -> Void) {
          let isDone = Gate()
          engine.workers[0].post {
            body($0)
            isDone.open()
          }
          isDone.pass()
        }
        // In line already where it closes before the loop holds: so it must be let out of it.
        if closesBefore {
          onWorker { worker in
            _ = leaver.close(code: 1000)
            worker.tables.sockets.find(leaver.handle)?.stream.wait()
            worker.loop.hold()
          }
        } else {
          onWorker { $0.loop.hold() }
        }
        try talking.send(text: "not yet")
        let isInLine = Gate()
        #expect(
          eventually {
            onWorker { if $0.tables.sockets.find(talker.handle)?.stream.isHeld == true { isInLine.open() } }
            return isInLine.now
          })
        if !closesBefore { #expect(leaver.close(code: 1000) == .ok) }
        #expect(try leaving.next() as TestClient.Frame == .close(code: 1000, reason: ""))
        try leaving.send(ClientFrame.close(1000))
        #expect(host.saw("close leaving 1000 clean"))
        #expect(!host.journal.now.contains("message talking not yet"))
        onWorker { $0.loop.goOn() }
        #expect(host.saw("message talking not yet"))
        leaving.close()
        try talking.leave()
        #expect(engine.isQuiet())
      }
    }
  }
}
