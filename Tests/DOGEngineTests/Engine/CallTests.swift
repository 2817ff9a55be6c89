import Testing

@testable import DOGEngine

extension EngineTests {
  /// What a host has itself called for on a Shard's worker.
  @Suite struct CallTests {
    @Test(arguments: [1, 3])
    func `a call comes on its Shard's worker, at once or after its delay, and once`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      try host.run { _, port in
        let clients = try (0..<workers).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let told = Watched<[ShardHandle: [Status]]>([:])
        for shard in host.shards.now {
          let note: @Sendable (Status) -> Void = { status in
            #expect(shard.id != nil, "its own worker")
            told.change { $0[shard, default: []].append(status) }
          }
          #expect(shard.post(note) == .ok)
          try shard.after(1, note)
          let timer = try shard.after(86_400_000, note)
          #expect(throws: Status.invalid) { try shard.after(86_400_001, note) }
          #expect(timer.cancel() == .ok)
          #expect(timer.cancel() == .stale)
        }
        #expect(told.wait { $0.count == workers && $0.values.allSatisfy { $0.count == 3 } })
        for statuses in told.now.values { #expect(statuses.count { $0 == .cancelled } == 1) }
        withExtendedLifetime(clients) {}
      }
    }

    @Test(arguments: [1, 3])
    func `what waits for a Shard that does not start is gone before its onstop`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.startsLater = true
      let run = host
      host.onstart = { shard in
        try shard.after(86_400_000) { run.note("called \($0.name)") }
        shard.post { _ in
          run.note("posted")
          shard.started(.host)
        }
      }
      try host.run { engine, port in
        let response = try TestClient.get("/room/x?uid=a", port: port)
        #expect(response.status == 500)
        #expect(engine.isQuiet())
      }
      #expect(host.journal.now.dropFirst() == ["start", "posted", "called DOG_EGONE", "stop"])
    }

    @Test func `a Gateway has a pointer of the host's, on its own worker`() throws {
      var host = TestHost()
      let marks = Watched<[Bool]>([])
      let pointer = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
      defer { pointer.deallocate() }
      let mark = HostPointer(pointer)
      let gateways = host.gateways
      host.identify = { request in
        let gateway = try #require(gateways.now.first)
        let data = try gateway.data()
        marks.change { $0.append(data == mark.pointer) }
        try gateway.set(data: mark.pointer)
        request.identify(TestHost.uid(of: request))
      }
      try host.run { _, port in
        for _ in 0..<2 { _ = try TestClient.get("/room/x?uid=a", port: port) }
        let gateway = try #require(gateways.now.first)
        #expect(throws: Status.wrongThread) { try gateway.data() }
        #expect(throws: Status.wrongThread) { try gateway.set(data: nil) }
      }
      #expect(marks.now == [false, true])
    }
  }
}
