import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// The end of a client from which nothing is read is heard all the same.
  @Suite struct UnheardEndTests {
    /// Requests behind the one that is under way.
    private static func pipelined(bytes: Int) -> String {
      let request = "GET /room/x?uid=later HTTP/1.1\r\nHost: dog\r\n\r\n"
      return String(repeating: request, count: bytes / request.utf8.count)
    }

    private static func makeHost(_ workers: Int) -> TestHost {
      var host = TestHost(workers: workers)
      host.options.receiveTimeoutMs = Options.dayMs
      return host
    }

    @Test(arguments: [1, 3], [false, true])
    func `G5: a client that sends 300 KiB behind a streamed response and leaves gives its place back`(
      _ workers: Int, _ early: Bool
    ) throws {
      var host = UnheardEndTests.makeHost(workers)
      host.limit = 1
      let (asked, ended) = (Watched<[RequestHandle]>([]), Watched<[Status]>([]))
      let begin: @Sendable (RequestHandle) -> Void = { request in
        request.respondBegin(status: 200, onend: { _, status in ended.change { $0.append(status) } })
      }
      host.receive = { _, request in
        if !early { begin(request) }
        asked.change { $0.append(request) }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=a")
        #expect(asked.wait { $0.count == 1 })
        // Before the response begins, or behind its head.
        if early {
          try client.send(UnheardEndTests.pipelined(bytes: 300 << 10))
          #expect(eventually { engine.stats.bytesIn > 65_536 })
          begin(asked.now[0])
        }
        let head = try client.head()
        #expect(head?.status == 200)
        if !early { try client.send(UnheardEndTests.pipelined(bytes: 300 << 10)) }
        client.close()
        #expect(ended.wait { $0 == [.reset] })
        #expect(engine.isQuiet())
      }
    }

    @Test func `a client that sends too much behind a streamed response and stays gets all of it`() throws {
      var host = UnheardEndTests.makeHost(1)
      let (asked, ended) = (Watched<[RequestHandle]>([]), Watched<[Status]>([]))
      host.receive = { _, request in
        request.respondBegin(status: 200, onend: { _, status in ended.change { $0.append(status) } })
        asked.change { $0.append(request) }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=a")
        #expect(asked.wait { $0.count == 1 })
        let before = engine.stats.bytesIn
        let more = UnheardEndTests.pipelined(bytes: 300 << 10)
        try client.send(more)
        #expect(eventually { engine.stats.bytesIn == before + more.utf8.count })
        let stream = asked.now[0]
        #expect(stream.write("all") == .ok)
        #expect(stream.end() == .ok)
        #expect(try client.response()?.body == "all")
        #expect(try client.rest() == "")
        #expect(ended.wait { $0 == [.ok] })
        #expect(asked.now.count == 1)
        client.close()
        #expect(engine.isQuiet())
      }
    }

    enum Leaving: CaseIterable { case fin, rst }

    @Test(arguments: [1, 3], Leaving.allCases)
    func `G5: clients that wait with more behind their request, so that none is read, are heard to leave`(
      _ workers: Int, _ leaving: Leaving
    ) throws {
      var host = UnheardEndTests.makeHost(workers)
      host.limit = 1000
      let asked = Watched(0)
      host.receive = { _, _ in asked.change { $0 += 1 } }
      try host.run { engine, port in
        // More than one look takes.
        let count = leaving == .rst ? 300 : 3
        let clients = try (0..<count).map { _ in try TestClient(port: port) }
        let more = UnheardEndTests.pipelined(bytes: 80 << 10)
        for client in clients { try client.request("/room/x?uid=a") }
        #expect(asked.wait { $0 == count })
        for client in clients { try client.send(more) }
        #expect(eventually { engine.stats.bytesIn > count * 65_536 })
        for client in clients { leaving == .rst ? client.reset() : client.close() }
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [0, 90_000] as [UInt64])
    func `the kernel looks for peers that have vanished, as the options say`(ms: UInt64) throws {
      var host = TestHost()
      host.options.tcpKeepaliveMs = ms
      host.options.tcpUserTimeoutMs = ms
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.saw("open a"))
        let found = Watched<[Int32]?>(nil)
        engine.workers[0].post { worker in
          worker.tables.sockets.forEach { socket in
            let names = [
              (SOL_SOCKET, SO_KEEPALIVE), (Int32(IPPROTO_TCP), TCP_KEEPIDLE), (Int32(IPPROTO_TCP), TCP_KEEPINTVL),
              (Int32(IPPROTO_TCP), TCP_KEEPCNT), (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT),
            ]
            found.change { found in
              found = names.map { level, name in
                var value: Int32 = -1
                var size = socklen_t(MemoryLayout<Int32>.size)
                return getsockopt(socket.stream.descriptor ?? -1, level, name, &value, &size) == 0 ? value : -1
              }
            }
          }
        }
        #expect(found.wait { $0 != nil })
        let values = found.now ?? []
        if ms == 0 {
          #expect(values.first == 0 && values.last == 0)
        } else {
          #expect(values == [1, 90, 30, 3, 90_000])
        }
        client.close()
        #expect(engine.isQuiet())
      }
    }
  }
}
