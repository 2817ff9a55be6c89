import Synchronization
import Testing

@testable import DOGEngine

extension EngineTests {
  /// connections_per_address_max
  @Suite struct AddressLimitTests {
    @Test(arguments: [1, 3])
    func `E2: one more connection of an address is answered with 503, another address is not`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let lines = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in lines.change { $0.append(line) } }
      host.options.connectionsPerAddressMax = 2
      host.options.retryAfterSeconds = 17
      try host.run { engine, port in
        let held = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let third = try TestClient(port: port)
        let response = try third.response()
        #expect(response?.status == 503 && response?.headers["retry-after"] == "17")
        #expect(try third.response() == nil)
        #expect(lines.wait { $0.contains { $0.hasPrefix("127.0.0.1:") && $0.contains("connections_per_address_max") } })
        third.close()
        let other = try TestClient(port: port, from: "127.0.0.2")
        try other.request("/room/x?uid=other")
        #expect(try other.response()?.status == 200)
        #expect(engine.addressCounts?.totals.connections == 3)
        other.close()
        try held[0].leave()
        #expect(eventually { engine.addressCounts?.totals.connections == 1 })
        #expect(try TestClient.get("/room/x?uid=c", port: port).status == 200)
        try held[1].leave()
        #expect(engine.isQuiet())
        #expect(eventually { engine.addressCounts?.totals.addresses == 0 })
      }
    }

    @Test(arguments: [1, 3])
    func `an address that is refused again and again does not fill connections_max for the others`(
      workers: Int
    ) throws {
      var host = TestHost(workers: workers)
      host.options.connectionsPerAddressMax = 2
      host.options.connectionsMax = 5
      try host.run { engine, port in
        let held = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        // None of them leaves when it is told.
        let refused = try (0..<20).map { _ in try TestClient(port: port) }
        for client in refused { #expect(try client.response()?.status == 503) }
        let others = try (2..<5).map { number in
          let client = try TestClient(port: port, from: "127.0.0.2\(number)")
          try client.request("/room/x?uid=u\(number)")
          #expect(try client.response()?.status == 200)
          return client
        }
        #expect(engine.admittedConnections.load(ordering: .relaxed) == 5)
        // And that is all: five are in.
        let sixth = try TestClient(port: port, from: "127.0.0.29")
        #expect(try sixth.response()?.status == 503)
        for client in others + refused + [sixth] { client.close() }
        for client in held { try client.leave() }
        #expect(engine.isQuiet())
        #expect(eventually { engine.admittedConnections.load(ordering: .relaxed) == 0 })
      }
    }

    @Test func `trusted proxies do not count, the clients in their PROXY headers do`() throws {
      var host = TestHost(workers: 2)
      host.options.connectionsPerAddressMax = 1
      host.options.trustedProxies = "127.0.0.1"
      host.listening.expectsProxyHeader = true
      try host.run { engine, port in
        func open(_ header: String) throws -> (client: TestClient, status: Int?) {
          let client = try TestClient(port: port)
          try client.send(header)
          try client.request("/room/x")
          return (client, try client.response()?.status)
        }
        let v4 = try open("PROXY TCP4 192.0.2.7 10.0.0.1 1 443\r\n")
        let mapped = try open("PROXY TCP6 ::ffff:192.0.2.7 ::1 2 443\r\n")
        let neighbour = try open("PROXY TCP4 192.0.2.8 10.0.0.1 3 443\r\n")
        let v6 = try open("PROXY TCP6 2001:db8::1 ::1 4 443\r\n")
        let sameNetwork = try open("PROXY TCP6 2001:db8::2 ::1 5 443\r\n")
        let itself = try (0..<3).map { _ in try open("PROXY UNKNOWN\r\n") }
        #expect([v4.status, neighbour.status, v6.status] == [200, 200, 200])
        #expect([mapped.status, sameNetwork.status] == [503, 503])
        #expect(itself.map(\.status) == [200, 200, 200])
        #expect(engine.addressCounts?.totals.connections == 3)
        v4.client.close()
        #expect(eventually { engine.addressCounts?.totals.connections == 2 })
        #expect(try open("PROXY TCP4 192.0.2.7 10.0.0.1 6 443\r\n").status == 200)
      }
    }

    @Test(arguments: [1, 4])
    func `after a storm every address has its places back, exactly`(workers: Int) throws {
      var random = TestRandom(for: "storm of addresses")
      var host = TestHost(workers: workers)
      host.limit = 5
      host.options.connectionsPerAddressMax = 6
      host.options.closeTimeoutMs = 500
      try host.run { engine, port in
        var clients: [(client: TestClient, address: Int)] = []
        var refused = 0
        for _ in 0..<600 {
          if clients.count > 20 || random.once(in: 3), !clients.isEmpty {
            let gone = clients.remove(at: random.below(clients.count)).client
            switch random.below(4) {
            case 0: try? gone.send(ClientFrame.close(1000))
            case 1: gone.reset()
            case 2: gone.shutdown()
            default: gone.close()
            }
            continue
          }
          let address = random.below(4)
          let client = try TestClient(port: port, from: "127.0.0.\(address + 10)")
          // A refused connection may be answered, and ended, before it has asked.
          try? client.requestUpgrade("/room/r\(random.below(4))?uid=u\(random.below(9))")
          switch try client.response()?.status {
          case 101: clients.append((client, address))
          case 503, nil: refused += 1
          case let status: Issue.record("answered with \(status ?? 0)")
          }
          for address in 0..<4 { #expect(clients.count { $0.address == address } <= 6) }
        }
        #expect(refused > 0)
        #expect((engine.addressCounts?.totals.connections ?? 0) >= clients.count)
        for held in clients { held.client.close() }
        #expect(engine.isQuiet())
        #expect(eventually { engine.addressCounts?.totals.connections == 0 })
        #expect(engine.addressCounts?.totals.addresses == 0)
      }
    }
  }
}
