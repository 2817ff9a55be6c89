import Testing

@testable import DOGEngine

extension EngineTests {
  @Suite struct StormTests {
    /// Sockets of a few uids come, talk and go by close, by reset, by FIN or by silence, with HTTP in between.
    @Test(arguments: [1, 4])
    func `G5: after a storm every place is given back and every onopen has its one onclose`(workers: Int) throws {
      var random = TestRandom(for: "storm")
      var host = TestHost(workers: workers)
      host.limit = 7
      host.options.pingIntervalMs = 1000
      host.options.pingTimeoutMs = 1000
      host.options.closeTimeoutMs = 1000
      host.onmessage = { _, socket, message in
        socket.broadcast(message.kind, message.bytes, toSelf: true)
      }
      try host.run { engine, port in
        var clients: [TestClient] = []
        var silent: [TestClient] = []
        var opened = 0
        for step in 0..<800 {
          let room = "/room/r\(random.below(3))?uid=u\(random.below(40))"
          switch random.below(8) {
          case 0...3:
            clients.append(try TestClient.open(room, port: port))
            opened += 1
          case 4: _ = try TestClient.get(room, port: port)
          case 5 where !clients.isEmpty: try? clients[random.below(clients.count)].send(text: "step \(step)")
          default:
            guard !clients.isEmpty else { continue }
            let client = clients.remove(at: random.below(clients.count))
            switch random.below(4) {
            case 0: try? client.send(ClientFrame.close(1000))
            case 1: client.reset()
            case 2: client.shutdown()
            default: silent.append(client)
            }
          }
          let stats = engine.stats
          #expect(stats.places <= stats.shards * host.limit)
        }
        // All others fall silent too: nobody answers a ping, nobody closes.
        #expect(engine.isQuiet())
        let stats = engine.stats
        #expect(stats.places == 0 && stats.sockets == 0)
        for gateway in host.gateways.now {
          let connections = try gateway.stats().connections
          #expect(connections == 0)
        }
        let lines = host.journal.now
        #expect(lines.count { $0.hasPrefix("open ") } == opened)
        #expect(host.journal.wait { lines in lines.count { $0.hasPrefix("close ") } == opened })
        // They are held until here: a client that goes is not one that is silent.
        withExtendedLifetime((clients, silent)) {}
      }
    }
  }
}
