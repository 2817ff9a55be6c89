import CUV
import Glibc
import Testing

@testable import DOGEngine

extension EngineTests {
  /// Who is in keeps its service; who is not is told when to come again.
  @Suite struct OverloadTests {
    private static func host(_ change: (inout Options) -> Void) -> (TestHost, Watched<[String]>) {
      var host = TestHost()
      let lines = Watched<[String]>([])
      host.options.logLevel = .warn
      host.options.log = { _, line in lines.change { $0.append(line) } }
      host.options.retryAfterSeconds = 9
      change(&host.options)
      return (host, lines)
    }

    @Test func `E2: admission_lag_ms: who comes while the loop is late gets 503, until it is in time again`() throws {
      var (host, lines) = Self.host { $0.admissionLagMs = 300 }
      let isHeld = Gate()
      let goesOn = Gate()
      host.onmessage = { _, socket, message in
        if message.text == "hold" {
          isHeld.open()
          goesOn.pass()
        }
        socket.send(.text, message.bytes)
      }
      try host.run { engine, port in
        let inside = try TestClient.open("/room/x?uid=a", port: port)
        let keptAlive = try TestClient(port: port)
        try keptAlive.request("/room/x?uid=b")
        #expect(try keptAlive.response()?.status == 200)
        try inside.send(text: "hold")
        #expect(isHeld.pass())
        let late = try (0..<3).map { _ in try TestClient(port: port) }
        // Lateness is a time, and this is it.
        usleep(700_000)
        goesOn.open()
        for client in late {
          let response = try client.response()
          #expect(response?.status == 503 && response?.headers["retry-after"] == "9")
        }
        try inside.send(text: "still there")
        #expect(try inside.texts(2) == ["hold", "still there"])
        try keptAlive.request("/room/x?uid=b")
        #expect(try keptAlive.response()?.status == 200)
        #expect(
          eventually {
            usleep(50_000)
            return (try? TestClient.get("/room/x?uid=c", port: port).status) == 200
          })
        // Once for each time that it was late: that is once, and again where the machine itself stood still.
        let told = lines.now.filter { $0.contains(" lets ") }
        #expect(told.count >= 2 && told.count % 2 == 0)
        for (index, line) in told.enumerated() { #expect(line.contains("lets nobody new in") == (index % 2 == 0)) }
      }
    }

    @Test func `E2: admission_memory_bytes: past the mark new connections get 503, until memory is given back`() throws
    {
      var resident = 0
      uv_resident_set_memory(&resident)
      let (host, lines) = Self.host { $0.admissionMemoryBytes = UInt64(resident) + (512 << 20) }
      let bytes = 1 << 30
      try host.run { engine, port in
        let keptAlive = try TestClient(port: port)
        try keptAlive.request("/room/x?uid=b")
        #expect(try keptAlive.response()?.status == 200)
        let taken = mmap(
          nil, bytes, PROT_READ | PROT_WRITE, Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS) | Int32(MAP_POPULATE), -1, 0)
        #expect(taken != MAP_FAILED)
        #expect(lines.wait { $0.contains { $0.hasPrefix("nobody new is let in") } })
        let outside = try TestClient(port: port)
        let response = try outside.response()
        #expect(response?.status == 503 && response?.headers["retry-after"] == "9")
        try keptAlive.request("/room/x?uid=b")
        #expect(try keptAlive.response()?.status == 200)
        munmap(taken, bytes)
        #expect(lines.wait { $0.contains { $0.hasPrefix("new connections are let in again") } })
        #expect(try TestClient.get("/room/x?uid=c", port: port).status == 200)
        #expect(lines.now.count == 2)
      }
    }

    @Test func `a refused connection that neither asks nor leaves is ended soon, and only so many are waited for`()
      throws
    {
      var (host, _) = Self.host { $0.connectionsMax = 1 }
      host.options.handshakeTimeoutMs = 60_000
      try host.run { engine, port in
        let inside = try TestClient.open("/room/x?uid=a", port: port)
        let others = try (0..<Worker.refusedConnectionsMax + 20).map { _ in try TestClient(port: port) }
        #expect(eventually { engine.stats.refused == others.count })
        // Each of them is told, those too that nobody waits for.
        for client in others {
          let response = try client.response()
          #expect(response?.status == 503 && response?.headers["retry-after"] == "9")
        }
        #expect(engine.stats.connections <= Worker.refusedConnectionsMax + 1)
        #expect(eventually { engine.stats.connections == 1 })
        try inside.leave()
        withExtendedLifetime(others) {}
      }
    }
  }
}
