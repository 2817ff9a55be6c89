import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Rule E2: every limit has its outcome.
  @Suite struct LimitTests {
    @Test(arguments: [1, 3])
    func `E2: connections_max: one more is answered with 503 and closed`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.connectionsMax = 2
      try host.run { engine, port in
        let held = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let third = try TestClient(port: port)
        let response = try third.response()
        #expect(response?.status == 503)
        let end = try third.response()
        #expect(end == nil)
        third.close()
        #expect(eventually { engine.stats.connections == 2 })
        try held[0].leave()
        #expect(eventually { engine.stats.connections == 1 })
        let status = try TestClient.get("/room/x?uid=c", port: port).status
        #expect(status == 200)
      }
    }

    @Test(arguments: ["", "a%0Ab", "%FF", String(repeating: "u", count: 257)])
    func `E1: a uid that is none is the client's own fault: 400, a line at INFO and no error`(_ uid: String) throws {
      var host = TestHost()
      let lines = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { level, line in lines.change { $0.append("\(level) \(line)") } }
      let statuses = Watched<[Status]>([])
      host.identify = { request in
        let uid = request.request?.query("uid") ?? []
        let status = uid.withUnsafeBytes { request.identify($0) }
        statuses.change { $0.append(status) }
      }
      try host.run { engine, port in
        let status = try TestClient.get("/room/x?uid=\(uid)", port: port).status
        #expect(status == 400)
        #expect(statuses.now == [uid.count > 256 ? .tooBig : .invalid])
        #expect(lines.now.count { $0.hasPrefix("info") && $0.contains(": 400, its uid is ") } == 1)
        #expect(!lines.now.contains { $0.hasPrefix("error") })
        #expect(eventually { engine.stats.gateways == 0 })
      }
    }

    @Test(arguments: [1, 3])
    func `E2: gateways_max: a new name is answered with 503, the names there are go on`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.gatewaysMax = 1
      try host.run { engine, port in
        let client = try TestClient.open("/room/a?uid=a", port: port)
        let statuses = try ["a", "b", "a"].map { try TestClient.get("/room/\($0)", port: port).status }
        #expect(statuses == [200, 503, 200])
        #expect(engine.stats.gateways == 1)
        try client.leave()
      }
    }

    @Test(arguments: [1, 3])
    func `E2: shards_max: who fits no Shard is answered with 503`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.limit = 1
      host.options.shardsMax = 1
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let full = try TestClient.get("/room/x?uid=b", port: port).status
        #expect(full == 503)
        try client.leave()
        #expect(engine.isQuiet())
        let free = try TestClient.get("/room/x?uid=b", port: port).status
        #expect(free == 200)
      }
    }

    @Test(arguments: [1, 3])
    func `E2: connections_max of a class: one more in a cluster is answered with 503, other clusters go on`(
      workers: Int
    )
      throws
    {
      var host = TestHost(workers: workers)
      host.limit = 2
      host.connectionsMax = 3
      host.options.retryAfterSeconds = 33
      try host.run { engine, port in
        let clients = try (0..<3).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let full = try TestClient.get("/room/x?uid=b", port: port)
        #expect(full.status == 503 && full.headers["retry-after"] == "33")
        #expect(try TestClient.get("/room/y?uid=b", port: port).status == 200)
        try clients[1].leave()
        #expect(eventually { engine.stats.places == 2 })
        #expect(try TestClient.get("/room/x?uid=b", port: port).status == 200)
      }
    }

    @Test func `E2: mailbox_bytes_max: who sends from another thread is told that it is full, until it is not`() throws
    {
      var host = TestHost()
      let isHeld = Gate()
      let goesOn = Gate()
      host.options.mailboxBytesMax = 1024
      host.onmessage = { _, _, _ in
        isHeld.open()
        goesOn.pass()
      }
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let shard = try #require(host.shards.now.first)
        try client.send(text: "hold")
        #expect(isHeld.pass())
        let text = String(repeating: "x", count: 300)
        let statuses = (0..<3).map { _ in text.with { shard.emit(.text, $0) } }
        #expect(statuses == [.ok, .ok, .full])
        goesOn.open()
        let texts = try client.texts(2)
        #expect(texts == [text, text])
        #expect("now".with { shard.emit(.text, $0) } == .ok)
        let later = try client.texts(1)
        #expect(later == ["now"])
      }
    }

    @Test func `E2: mailbox_bytes_max: answers count for what others may send, and are taken themselves`() throws {
      var host = TestHost()
      let isHeld = Gate()
      let goesOn = Gate()
      let asked = Watched<RequestHandle?>(nil)
      host.options.mailboxBytesMax = 1024
      host.onmessage = { _, _, _ in
        isHeld.open()
        goesOn.pass()
      }
      host.receive = { shard, request in
        if request.uid?.description == "later" {
          asked.change { $0 = request }
        } else {
          TestHost.welcome(shard, request)
        }
      }
      try host.run { _, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        let waits = try TestClient(port: port)
        try waits.request("/room/x?uid=later")
        #expect(asked.wait { $0 != nil })
        let shard = try #require(host.shards.now.first)
        let request = try #require(asked.now)
        try client.send(text: "hold")
        #expect(isHeld.pass())
        let text = String(repeating: "x", count: 600)
        #expect(text.with { shard.emit(.text, $0) } == .ok)
        #expect(request.respond(status: 200, body: String(repeating: "y", count: 2000)) == .ok)
        #expect("now".with { shard.emit(.text, $0) } == .full)
        goesOn.open()
        #expect(try waits.response()?.body.count == 2000)
        #expect(try client.texts(1) == [text])
        #expect("now".with { shard.emit(.text, $0) } == .ok)
      }
    }

    @Test func `E2: mailbox_bytes_max: a callback that a letter brings about is told that a mailbox is full`() throws {
      var host = TestHost(workers: 2)
      let isHeld = Gate()
      let goesOn = Gate()
      let statuses = Watched<[Status]>([])
      host.limit = 1
      host.options.mailboxBytesMax = 1024
      host.onmessage = { _, _, _ in
        isHeld.open()
        goesOn.pass()
      }
      try host.run { _, port in
        let clients = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let shard = try #require(host.shards.now.first)
        let uid = try #require(Name("u0"))
        // Two letters: the outcome of the one comes when the other worker does no mail any more.
        let isAsked = "x".with { text in
          shard.whisper(uid, .text, text) { _, _ in
            try? clients[1].send(text: "hold")
            isHeld.pass()
            let text = String(repeating: "x", count: 300)
            for _ in 0..<5 { statuses.change { $0.append(text.with { shard.broadcast(.text, $0) }) } }
          }
        }
        #expect(isAsked == .ok)
        #expect(statuses.wait { $0.count == 5 })
        #expect(statuses.now == [.ok, .ok, .full, .full, .full])
        goesOn.open()
      }
    }

    @Test func `E2: mailbox_bytes_max: whispers wait for room with the worker that tells what became of them`() throws {
      var host = TestHost(workers: 2)
      let isHeld = Gate()
      let goesOn = Gate()
      let hasEnded = Gate()
      let statuses = Watched<[Status]>([])
      let told = Watched<Int>(0)
      let watched = host
      host.limit = 1
      host.idleSeconds = 1
      host.stickySeconds = 1
      host.options.mailboxBytesMax = 1024
      host.onstop = { if $0 == watched.shards.now.first { hasEnded.open() } }
      host.onmessage = { shard, _, message in
        if message.text == "hold" {
          isHeld.open()
          goesOn.pass()
          return
        }
        let gateway = try #require(shard.gateway)
        let nobody = try #require(Name("nobody"))
        for _ in 0..<20 {
          let status = "x".with { gateway.whisper(nobody, .text, $0) { _, _ in told.change { $0 += 1 } } }
          statuses.change { $0.append(status) }
        }
      }
      try host.run { engine, port in
        // The Gateway's worker has no part of its cluster any more, and another room's Shard to be held by.
        let clients = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        let home = try #require(watched.shards.now.first).handle.worker
        var holder: TestClient?
        for room in 0..<64 where holder == nil {
          let client = try TestClient.open("/room/y\(room)?uid=u", port: port)
          if watched.shards.now.last?.handle.worker == home { holder = client } else { try client.leave() }
        }
        try clients[0].leave()
        #expect(hasEnded.pass())
        try #require(holder).send(text: "hold")
        #expect(isHeld.pass())
        try clients[1].send(text: "whisper")
        #expect(statuses.wait { $0.count == 20 })
        let ok = statuses.now.count { $0 == .ok }
        #expect(ok > 0 && ok < 20)
        #expect(statuses.now.allSatisfy { $0 == .ok || $0 == .full })
        goesOn.open()
        #expect(told.wait { $0 == ok })
      }
    }

    @Test func `E2: mailbox_bytes_max: a question to siblings of a worker whose mailbox is full is refused`() throws {
      var host = TestHost(workers: 2)
      let isHeld = Gate()
      let goesOn = Gate()
      let answers = Watched<[Status]>([])
      let results = Watched<[Int]>([])
      host.limit = 1
      host.options.mailboxBytesMax = 1024
      host.ongossip = { _, gossip, _ in gossip.reply("me") }
      host.onmessage = { shard, _, message in
        if message.text == "hold" {
          isHeld.open()
          goesOn.pass()
          return
        }
        let question = String(repeating: "?", count: 300)
        for _ in 0..<3 {
          let status = question.with { shard.gossip($0) { _, found in results.change { $0.append(found.count) } } }
          answers.change { $0.append(status) }
        }
      }
      try host.run { _, port in
        // The second Shard is the other worker's.
        let clients = try (0..<2).map { try TestClient.open("/room/x?uid=u\($0)", port: port) }
        try clients[1].send(text: "hold")
        #expect(isHeld.pass())
        try clients[0].send(text: "ask")
        #expect(answers.wait { $0.count == 3 })
        #expect(answers.now == [.ok, .ok, .full])
        goesOn.open()
        #expect(results.wait { $0 == [1, 1] })
      }
    }

    @Test(arguments: [1, 3])
    func `E2: header_timeout_ms: half a request is answered with 408`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.headerTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.send("GET /room/x HTTP/1.1\r\nHost:")
        let response = try client.response()
        #expect(response?.status == 408)
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: ["/room/x HTTP/1.1\r\nHost:", "/room/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"])
    func `E2: header_timeout_ms, body_timeout_ms: half a HEAD is answered with 408 too, and no body`(_ rest: String)
      throws
    {
      var host = TestHost()
      host.options.headerTimeoutMs = 100
      host.options.bodyTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.send("HEAD \(rest)")
        let response = try client.head()
        #expect(response?.status == 408)
        #expect(try client.rest() == "")
        client.close()
        #expect(engine.isQuiet())
      }
    }

    /// keepalive_timeout_ms, which is for those that have asked before, would be longer than any test waits.
    @Test(arguments: ["", "\r\n", "\r\n\r\n"])
    func `E2: header_timeout_ms: a client that sends nothing, or empty lines, is closed`(_ lines: String) throws {
      var host = TestHost(workers: 2)
      host.options.headerTimeoutMs = 100
      host.options.keepaliveTimeoutMs = Options.dayMs
      try host.run { engine, port in
        let client = try TestClient(port: port)
        if !lines.isEmpty { try client.send(lines) }
        #expect(try client.response() == nil)
        #expect(engine.isQuiet())
      }
    }

    /// The request is answered and over, and more of the answer waits than the kernel's buffers hold.
    @Test(arguments: [1, 3])
    func `E2: body_timeout_ms: a client that takes nothing of its response is reset, and the log says so`(
      workers: Int
    ) throws {
      var host = TestHost(workers: workers)
      let lines = Watched<[String]>([])
      host.options.logLevel = .info
      host.options.log = { _, line in lines.change { $0.append(line) } }
      host.options.bodyTimeoutMs = 200
      let body = String(repeating: "x", count: 32 << 20)
      host.receive = { _, request in request.respond(status: 200, body: body) }
      try host.run { engine, port in
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x?uid=a")
        #expect(
          lines.wait { $0.contains { $0.hasPrefix("127.0.0.1:") && $0.hasSuffix("it does not read what it is sent") } })
        #expect(engine.isQuiet())
      }
    }

    @Test(
      arguments: ["Content-Length: 3\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n3\r\nab", ""], [1, 3])
    func `E2: body_timeout_ms: half a body is answered with 408, and the reason`(_ rest: String, workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.bodyTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient(port: port)
        // Not the whole body's time: each part of it begins anew.
        let parts = rest.isEmpty ? ["Content-Length: 9\r\n\r\n", "a", "b", "c"] : [rest]
        try client.send("POST /room/x HTTP/1.1\r\nHost: a\r\n")
        for part in parts { try client.send(part) }
        let response = try client.response()
        #expect(response?.status == 408)
        #expect(response?.body == "408 Request Timeout: the request did not come in time\n")
        #expect(response?.headers["connection"] == "close")
        client.close()
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `E2: keepalive_timeout_ms: a connection without a request is closed`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.keepaliveTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient(port: port)
        try client.request("/room/x")
        let response = try client.response()
        #expect(response?.status == 200)
        let end = try client.response()
        #expect(end == nil)
        #expect(engine.isQuiet())
      }
    }

    @Test func `E2: keepalive_timeout_ms: counts from when a response was taken, however slowly`() throws {
      var host = TestHost()
      host.options.bodyTimeoutMs = 1000
      let body = String(repeating: "x", count: 16 << 20)
      host.receive = { _, request in request.respond(status: 200, body: body) }
      try host.run { _, port in
        let client = try TestClient(port: port, receiveBuffer: 4096)
        try client.request("/room/x")
        usleep(100_000)
        #expect(try client.response()?.body.utf8.count == body.utf8.count)
        usleep(1_500_000)
        try client.request("/room/x")
        #expect(try client.response()?.status == 200)
      }
    }

    @Test(arguments: ["identify", "receive"], [1, 3])
    func `E2: a host that does not answer in time is answered for with 503, and its answer is stale`(
      _ question: String, _ workers: Int
    ) throws {
      var host = TestHost(workers: workers)
      let asked = Watched<RequestHandle?>(nil)
      if question == "identify" {
        host.options.identifyTimeoutMs = 100
        host.identify = { request in asked.change { $0 = request } }
      } else {
        host.options.receiveTimeoutMs = 100
        host.receive = { _, request in asked.change { $0 = request } }
      }
      try host.run { engine, port in
        let response = try TestClient.get("/room/x?uid=a", port: port)
        #expect(response.status == 503)
        #expect(engine.isQuiet())
        let request = try #require(asked.now)
        #expect(request.respond(status: 200, body: "late") == .stale)
        #expect(eventually { engine.stats.refused == 1 })
      }
    }

    @Test(arguments: [1, 3])
    func `E2: ping_timeout_ms: a client that answers no ping is an error, then closed with 1006`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.pingIntervalMs = 100
      host.options.pingTimeoutMs = 100
      try host.run { engine, port in
        let silent = try TestClient.open("/room/x?uid=silent", port: port)
        let ping = try silent.next() as TestClient.Frame
        #expect(ping == .ping([]))
        let end = try silent.next() as TestClient.Frame
        #expect(end == .end)
        #expect(host.saw("close silent 1006 unclean"))
        #expect(host.lines(of: "silent").suffix(2) == ["error silent DOG_ETIMEDOUT", "close silent 1006 unclean"])
        #expect(engine.isQuiet())
      }
    }

    @Test(arguments: [1, 3])
    func `E2: close_timeout_ms: a client that does not close back is closed with 1006`(workers: Int) throws {
      var host = TestHost(workers: workers)
      host.options.closeTimeoutMs = 100
      try host.run { engine, port in
        let client = try TestClient.open("/room/x?uid=a", port: port)
        #expect(host.saw("open a"))
        #expect(host.sockets.now["a"]?.close(code: 4000) == .ok)
        let frame = try client.next() as TestClient.Frame
        #expect(frame == .close(code: 4000, reason: ""))
        #expect(host.journal.wait { $0.contains { $0.hasPrefix("close a 1006") } })
        #expect(engine.isQuiet())
      }
    }
  }
}
