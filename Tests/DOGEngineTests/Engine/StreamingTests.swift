import Testing

@testable import DOGEngine

extension EngineTests {
  /// Responses that the host writes part by part.
  @Suite struct StreamingTests {
    /// Who writes: the callback that was asked, or a thread of the host's.
    static let cases: [(Int, Bool)] = [1, 3].flatMap { workers in [false, true].map { (workers, $0) } }

    /// Runs `body` in the callback, or soon on another thread.
    static func act(elsewhere: Bool, _ body: @escaping @Sendable () -> Void) {
      if elsewhere { ForeignThread(body) } else { body() }
    }

    @Test(arguments: cases)
    func `a streamed response comes in chunks, in order, and the connection goes on`(
      _ workers: Int, _ elsewhere: Bool
    ) throws {
      var host = TestHost(workers: workers)
      let ended = Watched<[Status]>([])
      host.receive = { _, request in
        StreamingTests.act(elsewhere: elsewhere) {
          #expect(
            request.respondBegin(
              status: 201, headers: [HTTPHeader(name: "X-Kind", value: "stream")],
              onend: { _, status in ended.change { $0.append(status) } }) == .ok)
          #expect(request.write("one ") == .ok)
          #expect(request.write("") == .ok)
          #expect(request.write("two ") == .ok)
          #expect(request.write(String(repeating: "x", count: 70_000)) == .ok)
          #expect(request.end() == .ok)
          #expect(request.write("late") == .stale)
          #expect(request.end() == .stale)
        }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        for _ in 0..<3 { try client.request("/room/x?uid=a") }
        for _ in 0..<3 {
          let response = try #require(try client.response())
          #expect(response.status == 201)
          #expect(response.headers["x-kind"] == "stream")
          #expect(response.headers["transfer-encoding"] == "chunked")
          #expect(response.headers["content-length"] == nil)
          #expect(response.headers["date"] != nil)
          #expect(response.body == "one two " + String(repeating: "x", count: 70_000))
        }
        #expect(ended.wait { $0 == [.ok, .ok, .ok] })
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: cases)
    func `a part leaves at once, and a request that came meanwhile waits`(_ workers: Int, _ elsewhere: Bool) throws {
      var host = TestHost(workers: workers)
      let streams = Watched<[RequestHandle]>([])
      host.receive = { shard, request in
        guard request.uid?.description == "streams" else { return TestHost.welcome(shard, request) }
        StreamingTests.act(elsewhere: elsewhere) {
          request.respondBegin(status: 200)
          streams.change { $0.append(request) }
        }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=streams")
        #expect(streams.wait { $0.count == 1 })
        let stream = streams.now[0]
        #expect(try client.head()?.status == 200)
        for part in ["a", "b", "c"] {
          #expect(stream.write(part) == .ok)
          #expect(try client.chunk() == part)
        }
        try client.request("/room/x?uid=next")
        #expect(engine.stats.places == 1)
        #expect(stream.end() == .ok)
        #expect(try client.chunk() == "")
        #expect(try client.response()?.status == 200)
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [false, true])
    func `HEAD and statuses without content end with the head, HTTP/1.0 with the connection`(_ elsewhere: Bool) throws {
      var host = TestHost(workers: 2)
      let written = Watched<[Status]>([])
      host.receive = { _, request in
        let status = request.request?.query("status").flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 200
        StreamingTests.act(elsewhere: elsewhere) {
          request.respondBegin(status: status)
          written.change { $0.append(request.write("body")) }
          request.end()
        }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x", method: "HEAD")
        var head = try #require(try client.head())
        #expect(head.headers["transfer-encoding"] == "chunked")
        for status in [204, 304] {
          try client.request("/room/x?status=\(status)")
          head = try #require(try client.head())
          #expect(head.status == status)
          #expect(head.headers["transfer-encoding"] == nil && head.headers["content-length"] == nil)
        }
        try client.request("/room/x?status=205")
        head = try #require(try client.head())
        #expect(head.headers["content-length"] == "0")
        try client.send("GET /room/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head = try #require(try client.head())
        #expect(head.headers["transfer-encoding"] == nil && head.headers["connection"] == "close")
        #expect(try client.rest() == "body")
        #expect(written.now == [.ok, .invalid, .invalid, .invalid, .ok])
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test func `to begin is the answer, and what is no answer says so`() throws {
      var host = TestHost(workers: 1)
      let kept = Watched<RequestHandle?>(nil)
      host.clusterize = { request in
        #expect(request.respondBegin(status: 200) == .wrongKind)
        #expect(request.write("a") == .wrongState)
        _ = "one".with { request.clusterize($0) }
      }
      host.receive = { _, request in
        #expect(request.write("a") == .wrongState)
        #expect(request.end() == .wrongState)
        if request.uid?.description == "bad" {
          #expect(
            request.respondBegin(
              status: 200, headers: [HTTPHeader(name: "Content-Length", value: "3")],
              onend: { _, _ in Issue.record("nothing was begun") }) == .invalid)
          #expect(request.respondBegin(status: 200) == .stale)
          return
        }
        #expect(request.respondBegin(status: 200) == .ok)
        #expect(request.respondBegin(status: 200) == .stale)
        #expect(request.respond(status: 200, body: "x") == .stale)
        #expect(request.connect() == .stale)
        #expect(request.request?.method == "GET")
        #expect(request.uid?.description == "good")
        kept.change { $0 = request }
      }
      try host.run { engine, port in
        #expect(try TestClient.get("/room/x?uid=bad", port: port).status == 500)
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=good")
        #expect(kept.wait { $0 != nil })
        let request = try #require(kept.now)
        #expect(throws: Status.wrongThread) { try request.find() }
        #expect(request.write("a") == .ok)
        #expect(request.end() == .ok)
        #expect(try client.response()?.body == "a")
        client.close()
        #expect(engine.isQuiet())
      }
    }

    enum Leaving: CaseIterable { case fin, rst, stop, error }

    static let leavings: [(Int, Leaving)] = [1, 3].flatMap { workers in Leaving.allCases.map { (workers, $0) } }

    @Test(arguments: leavings)
    func `G5: whoever ends a stream early, its place is given back once and its host is told once`(
      _ workers: Int, _ leaving: Leaving
    ) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      let ended = Watched<[Status]>([])
      let begun = Watched<RequestHandle?>(nil)
      host.receive = { _, request in
        request.respondBegin(status: 200, onend: { _, status in ended.change { $0.append(status) } })
        request.write("a")
        begun.change { $0 = request }
        if leaving == .error { throw Status.invalid }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=a")
        #expect(begun.wait { $0 != nil })
        if leaving != .error {
          #expect(try client.head()?.status == 200)
          #expect(try client.chunk() == "a")
          #expect(engine.stats.places == 1)
        }
        switch leaving {
        case .fin: client.close()
        case .rst: client.reset()
        case .stop: engine.stop(graceMs: 1)
        // What came of it does not look whole.
        case .error: #expect(try !client.rest().hasSuffix("0\r\n\r\n"))
        }
        let status: Status =
          switch leaving {
          case .fin, .rst: .reset
          case .stop: .gone
          case .error: .host
          }
        #expect(ended.wait { $0 == [status] })
        #expect(engine.isQuiet())
        #expect(begun.now?.write("b") == .stale)
        #expect(ended.now == [status])
      }
    }

    @Test(arguments: cases)
    func `a client that does not read is waited for, within bounds`(_ workers: Int, _ elsewhere: Bool) throws {
      var host = TestHost(workers: workers)
      host.options.outboxBytesMax = 100_000
      let piece = String(repeating: "p", count: 10_000)
      let (ended, written, full) = (Watched<Status?>(nil), Watched(0), Watched(0))
      let pieces = 1000
      let writeOn: @Sendable (RequestHandle) -> Void = { request in
        while written.now < pieces {
          switch request.write(piece) {
          case .ok: written.change { $0 += 1 }
          case .full: return full.change { $0 += 1 }
          case let other:
            Issue.record("\(other)")
            return
          }
        }
        request.end()
      }
      host.receive = { _, request in
        request.respondBegin(
          status: 200, onwritable: { request in StreamingTests.act(elsewhere: elsewhere) { writeOn(request) } },
          onend: { _, status in ended.change { $0 = status } })
        #expect(request.write(String(repeating: "p", count: 100_001)) == .tooBig)
        StreamingTests.act(elsewhere: elsewhere) { writeOn(request) }
      }
      try host.run { engine, port in
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x")
        #expect(full.wait { $0 > 0 })
        #expect(try client.response()?.body.utf8.count == pieces * piece.utf8.count)
        #expect(ended.wait { $0 == .ok })
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `a client that takes nothing while bytes wait is reset, one that has taken all is not`(_ workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.bodyTimeoutMs = 100
      host.options.receiveTimeoutMs = 100
      let ended = Watched<[String: Status]>([:])
      let idle = Watched<RequestHandle?>(nil)
      host.receive = { _, request in
        let uid = request.uid?.description ?? ""
        request.respondBegin(status: 200, onend: { _, status in ended.change { $0[uid] = status } })
        if uid == "idle" { return idle.change { $0 = request } }
        while request.write(String(repeating: "p", count: 100_000)) == .ok {}
      }
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x?uid=idle")
        #expect(try client.head()?.status == 200)
        let slow = try TestClient(port: port, receiveBuffer: 4096)
        try slow.request("/room/x?uid=slow")
        #expect(ended.wait { $0["slow"] == .slow })
        // By now all of the idle one's deadlines would have passed too.
        #expect(idle.now?.write("a") == .ok)
        #expect(try client.chunk() == "a")
        #expect(ended.now["idle"] == nil)
        client.close()
        slow.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `identify and on_fetch may be answered by a stream`(_ workers: Int) throws {
      var host = TestHost(workers: workers)
      host.identify = { request in
        request.respondBegin(status: 403)
        request.write("no")
        request.end()
      }
      let (engine, port) = try host.make()
      try engine.onFetch { _, request in
        request.respondBegin(status: 404)
        ForeignThread {
          request.write("none")
          request.end()
        }
      }
      defer { engine.destroy() }
      try engine.start()
      let client = try TestClient(port: port)
      for (target, status, body) in [("/room/x", 403, "no"), ("/other", 404, "none"), ("/room/y", 403, "no")] {
        try client.request(target)
        let response = try #require(try client.response())
        #expect(response.status == status)
        #expect(response.body == body)
      }
      client.close()
      #expect(engine.isQuiet())
      #expect(eventually { engine.stats.gateways == 0 })
    }

    @Test(arguments: [1, 3])
    func `G5: streams from other threads race with clients that leave, and every place is given back`(workers: Int)
      throws
    {
      var host = TestHost(workers: workers)
      host.limit = 3
      host.stickySeconds = 0
      host.idleSeconds = 0
      let (began, ended) = (Watched(0), Watched(0))
      host.receive = { _, request in
        ForeignThread {
          let status = request.respondBegin(status: 200, onend: { _, _ in ended.change { $0 += 1 } })
          if status == .ok { began.change { $0 += 1 } }
          for _ in 0..<3 { request.write("part") }
          request.end()
        }
      }
      try host.run { engine, port in
        var random = TestRandom(for: "streams that are left")
        for index in 0..<150 {
          let client = try TestClient(port: port)
          try client.request("/room/x?uid=u\(index % 7)")
          switch random.below(3) {
          case 0: client.reset()
          case 1: client.close()
          default: #expect(try client.response()?.body == "partpartpart")
          }
        }
        #expect(engine.isQuiet())
        #expect(eventually { began.now == ended.now })
        #expect(eventually { engine.stats.shards == 0 && engine.stats.gateways == 0 })
      }
    }
  }
}
