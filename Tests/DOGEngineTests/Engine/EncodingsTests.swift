import Testing

@testable import DOGEngine

extension EngineTests {
  /// A broadcast travels in the encodings that are in use elsewhere; the slice that gets it may have others.
  @Suite struct EncodingsTests {
    private static let offers: [String?] = [
      nil, "permessage-deflate", "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=12",
    ]

    /// So long that it is compressed, for a small window and for a large one.
    private static func words(_ number: Int) -> String {
      "\(number) " + String(repeating: "word \(number) ", count: [0, 30, 120, 700][number % 4])
    }

    /// Each socket has a Shard of its own, and so these are on all workers, one after another.
    @Test(arguments: [2, 3])
    func `S4: whoever speaks in whatever encoding, a slice without that encoding hears it too`(_ workers: Int) throws {
      for first in Self.offers {
        for second in [nil, "permessage-deflate", "permessage-deflate; server_max_window_bits=9"] {
          var host = TestHost(workers: workers)
          host.limit = 1
          host.deflate = DeflateSettings()
          host.onmessage = { _, socket, message in socket.broadcast(message.kind, message.bytes) }
          try host.run { engine, port in
            var clients: [TestClient] = []
            for index in 0..<3 {
              let offer = [first, second, nil][index]
              clients.append(try TestClient.open("/room/x?uid=\(index)", port: port, extensions: offer))
            }
            for speaker in clients.indices {
              for number in 0..<4 {
                try clients[speaker].send(text: Self.words(number))
                for (index, client) in clients.enumerated() where index != speaker {
                  let heard = try client.texts(1)
                  #expect(heard == [Self.words(number)], "\(first ?? "plain"), \(second ?? "plain"), \(speaker)")
                }
              }
            }
            for client in clients { try client.leave() }
            #expect(engine.isQuiet())
          }
        }
      }
    }

    @Test func `a turn compresses so much, and what goes past it is sent as it is, in order`() throws {
      var host = TestHost()
      host.deflate = DeflateSettings()
      host.options.deflateTurnBytesMax = 4096
      let texts = (0..<10).map { "\($0) " + String(repeating: "x", count: 998) }
      host.onmessage = { shard, _, _ in
        for text in texts { _ = text.with { shard.broadcast(.text, $0) } }
      }
      try host.run { engine, port in
        let large = try TestClient.open("/room/x?uid=a", port: port, extensions: "permessage-deflate")
        try large.send(text: "go")
        #expect(try large.texts(10) == texts)
        #expect(large.compressed == 4)
        // A second window costs as much again: each message is compressed for both or for none.
        let offer = "permessage-deflate; server_max_window_bits=12"
        let small = try TestClient.open("/room/x?uid=b", port: port, extensions: offer)
        try small.send(text: "go")
        #expect(try large.texts(10) == texts)
        #expect(try small.texts(10) == texts)
        #expect(large.compressed == 6 && small.compressed == 2)
        for client in [large, small] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    @Test func `what windows strangers agreed to does not make a message too big for a mailbox`() throws {
      var host = TestHost(workers: 3)
      host.limit = 1
      host.deflate = DeflateSettings()
      host.options.mailboxBytesMax = 40_000
      var random = TestRandom(seed: 3)
      let text = String(decoding: (0..<30_000).map { _ in UInt8(97 + random.below(26)) }, as: UTF8.self)
      let said = Watched<Status?>(nil)
      host.onmessage = { _, socket, _ in said.change { $0 = text.with { socket.broadcast(.text, $0) } } }
      try host.run { engine, port in
        let sender = try TestClient.open("/room/x?uid=a", port: port)
        let large = try TestClient.open("/room/x?uid=b", port: port, extensions: "permessage-deflate")
        let offer = "permessage-deflate; server_max_window_bits=9"
        let small = try TestClient.open("/room/x?uid=c", port: port, extensions: offer)
        try sender.send(text: "go")
        #expect(said.wait { $0 != nil })
        #expect(said.now == .ok)
        for client in [large, small] {
          let isRight = try client.texts(1) == [text]
          #expect(isRight && client.compressed == 1)
        }
        for client in [sender, large, small] { try client.leave() }
        #expect(engine.isQuiet())
      }
    }

    private final class Guest {
      let client: TestClient
      let number: Int
      var said = 0

      init(_ client: TestClient, _ number: Int) {
        self.client = client
        self.number = number
      }
    }

    /// Sockets of every encoding come and go, and with them Shards and whole slices; bursts of broadcasts from several
    /// of them and from the host lie between.
    @Test(arguments: [(2, 1, 4 << 20), (3, 1, 4 << 20), (3, 2, 4 << 20), (2, 2, 16 << 10), (1, 3, 16 << 10)])
    func `S4: everybody gets each sender's messages once and in order, over random lives`(
      _ workers: Int, _ limit: Int, _ turnBytes: Int
    ) throws {
      var random = TestRandom(for: "encodings")
      var host = TestHost(workers: workers)
      host.limit = limit
      host.idleSeconds = 0
      host.options.writeTurnBytesMax = turnBytes
      host.deflate = DeflateSettings()
      host.onmessage = { _, socket, message in socket.broadcast(message.kind, message.bytes) }
      try host.run { engine, port in
        var guests: [Guest] = []
        var opened = 0
        var hostSaid = 0
        for _ in 0..<250 {
          switch random.below(10) {
          case 0..<3 where guests.count < 8:
            let offer = Self.offers[random.below(Self.offers.count)]
            let client = try TestClient.open("/room/x?uid=u\(opened)", port: port, extensions: offer)
            guests.append(Guest(client, opened))
            opened += 1
          case 3..<5 where !guests.isEmpty:
            let guest = guests.remove(at: random.below(guests.count))
            random.once(in: 2) ? guest.client.reset() : try guest.client.leave()
          default:
            guard let gateway = host.gateways.now.last, !guests.isEmpty else { continue }
            // One of them may leave while the others speak.
            if random.once(in: 4), guests.count > 1 { guests.remove(at: random.below(guests.count)).client.reset() }
            var burst: [(sender: Int, text: String)] = []
            for _ in 0...random.below(12) {
              // What one that is alone says is heard by nobody, so nobody knows when it is over.
              if random.once(in: 4) || guests.count == 1 {
                hostSaid += 1
                let text = "host \(Self.words(hostSaid))"
                let status = text.with { gateway.broadcast(.text, $0) }
                #expect(status == .ok)
                burst.append((-1, text))
              } else {
                let guest = guests[random.below(guests.count)]
                guest.said += 1
                let text = "\(guest.number) \(Self.words(guest.said))"
                try guest.client.send(text: text)
                burst.append((guest.number, text))
              }
            }
            for guest in guests {
              let expected = burst.filter { $0.sender != guest.number }
              let heard = try guest.client.texts(expected.count)
              for sender in [-1] + guests.map(\.number) {
                let name = sender < 0 ? "host" : "\(sender)"
                let of = heard.filter { $0.prefix { $0 != " " } == name }
                let isRight = of == expected.filter { $0.sender == sender }.map(\.text)
                #expect(isRight, "of \(name), seed \(random.seed)")
              }
            }
          }
        }
        for guest in guests { try guest.client.leave() }
        #expect(engine.isQuiet())
      }
    }
  }
}
