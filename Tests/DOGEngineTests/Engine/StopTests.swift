import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule E3: how an engine ends, and that nothing of it is left.
  @Suite struct StopTests {
    @Test(arguments: [1, 3])
    func `E3: a request in flight is answered, a socket closed with 1001, every Shard told`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<RequestHandle?>(nil)
      host.limit = 1
      host.receive = { shard, request in
        guard request.uid?.description == "flight" else { return TestHost.welcome(shard, request) }
        asked.change { $0 = request }
      }
      try host.run { engine, port in
        let socket = try TestClient.open("/room/x?uid=a", port: port)
        let flight = try TestClient(port: port)
        try flight.request("/room/x?uid=flight")
        #expect(asked.wait { $0 != nil })
        let stopped = ForeignThread { #expect(engine.stop(graceMs: 60_000) == .ok) }
        let frame = try socket.next() as TestClient.Frame
        #expect(frame == .close(code: 1001, reason: ""))
        try socket.send(ClientFrame.close(1001))
        #expect(asked.now?.respond(status: 200, body: "landed") == .ok)
        let response = try flight.response()
        #expect(response?.body == "landed")
        #expect(response?.headers["connection"] == "close")
        flight.close()
        socket.close()
        #expect(stopped.join())
        #expect(host.journal.now.count { $0 == "stop" } == 2)
        #expect(host.journal.now.contains("close a 1001 clean"))
        #expect(throws: (any Error).self) { _ = try TestClient(port: port) }
        #expect(engine.stats.places == 0 && engine.stats.gateways == 0 && engine.stats.shards == 0)
      }
    }

    @Test(arguments: [1, 3])
    func `E3: when the grace is over what is left is reset, and its places are given back`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let isAsked = Gate()
      host.receive = { shard, request in
        if request.uid?.description == "flight" { isAsked.open() } else { TestHost.welcome(shard, request) }
      }
      try host.run { engine, port in
        let socket = try TestClient.open("/room/x?uid=a", port: port)
        let flight = try TestClient(port: port)
        try flight.request("/room/x?uid=flight")
        #expect(isAsked.pass())
        #expect(engine.stop(graceMs: 1) == .ok)
        let response = try flight.response()
        #expect(response == nil)
        var frame = try socket.next() as TestClient.Frame
        if frame == .close(code: 1001, reason: "") { frame = try socket.next() }
        #expect(frame == .end)
        #expect(host.lines(of: "a").count { $0.hasPrefix("close ") } == 1)
        #expect(host.journal.now.last == "stop")
        #expect(engine.stats.places == 0 && engine.stats.requests == 0 && engine.stats.sockets == 0)
      }
    }

    @Test(arguments: [1, 3])
    func `E3: a stop without a grace still tells every socket by a close frame`(workers: Int) throws {
      let host = TestHost(workers: workers)
      try host.run { engine, port in
        let clients = try (0..<20).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        // Bytes that are unread would have the kernel reset a connection that is closed.
        for client in clients { try client.send(text: "unread") }
        #expect(engine.stop(graceMs: 0) == .ok)
        for client in clients {
          #expect(try client.next() as TestClient.Frame == .close(code: 1001, reason: ""))
          #expect(try client.next() as TestClient.Frame == .end)
        }
      }
    }

    @Test(arguments: [1, 3])
    func `E3: stop from a callback returns at once and the engine stops afterwards`(workers: Int) throws {
      var host = TestHost(workers: workers)
      let running = Watched<Engine?>(nil)
      let statuses = Watched<[Status]>([])
      host.onmessage = { _, _, _ in
        guard let engine = running.now else { return }
        statuses.change { $0 = [engine.stop(graceMs: 0), engine.destroy()] }
      }
      try host.run { engine, port in
        running.change { $0 = engine }
        let client = try TestClient.open("/room/x?uid=a", port: port)
        try client.send(text: "stop")
        while try client.next() as TestClient.Frame != .end {}
        engine.destroy()
        running.change { $0 = nil }
        #expect(statuses.now == [.ok, .wrongThread])
        #expect(host.journal.now.last == "stop")
      }
    }

    @Test func `E3: several stops and destroys at once all return`() throws {
      let host = TestHost(workers: 3)
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let threads = (0..<4).map { index in
          ForeignThread { _ = index % 2 == 0 ? engine.stop(graceMs: 0) : engine.destroy() }
        }
        for thread in threads { #expect(thread.join()) }
        while try client.next() as TestClient.Frame != .end {}
      }
    }

    @Test func `E3: run is start on the caller's thread, and returns when the engine has stopped`() throws {
      let host = TestHost(workers: 2)
      let (engine, port) = try host.make()
      let ran = ForeignThread { #expect(throws: Never.self) { try engine.run() } }
      let status = try TestClient.get("/room/x", port: port).status
      #expect(status == 200)
      #expect(engine.stop(graceMs: 0) == .ok)
      #expect(ran.join())
      #expect(throws: Status.wrongState) { try engine.start() }
      engine.destroy()
    }

    @Test(arguments: [Handle.Kind.identify, .receive])
    func `E3: an answer that won its claim and came too late leaves nothing behind`(of kind: Handle.Kind) throws {
      var host = TestHost(workers: 2)
      let asked = Watched<RequestHandle?>(nil)
      if kind == .identify { host.identify = { request in asked.change { $0 = request } } }
      host.receive = { _, request in asked.change { $0 = request } }
      weak var left: Worker?
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x")
        #expect(asked.wait { $0 != nil })
        let request = try #require(asked.now).handle
        #expect(request.kind == kind)
        // As a thread that is between its claim and its letter when the engine ends.
        #expect(engine.workers[request.worker].tables.tickets.claim(request))
        left = engine.workers[request.worker]
        #expect(engine.stop(graceMs: 0) == .ok)
        #expect(engine.stats.requests == 0)
        #expect(engine.stats.places == 0)
      }
      #expect(eventually { left == nil }, "a worker was leaked")
    }

    /// Entries of a folder of /proc.
    private func count(_ folder: String) -> Int {
      guard let entries = opendir(folder) else { return -1 }
      defer { closedir(entries) }
      var count = 0
      while readdir(entries) != nil { count += 1 }
      return count
    }

    @Test func `E3: engines made and destroyed many times leave descriptors and threads as before`() throws {
      let host = TestHost(workers: 3)
      func once(_ round: Int) throws {
        let (engine, port) = try host.make()
        defer { engine.destroy() }
        // Some are never started.
        guard round % 4 != 3 else { return }
        try engine.start()
        let client = try TestClient.open("/room/x?uid=a", port: port)
        if round % 4 == 1 { engine.stop(graceMs: 0) }
        if round % 4 == 2 { try client.leave() }
      }
      try once(0)
      let descriptors = count("/proc/self/fd")
      let threads = count("/proc/self/task")
      for round in 0..<60 { try once(round) }
      #expect(eventually { count("/proc/self/fd") <= descriptors })
      // The test library's own may come and go meanwhile, but not three for each engine.
      #expect(eventually { count("/proc/self/task") <= threads + 8 })
    }
  }
}
