import CUV
import Glibc
import Testing

@testable import DOGEngine

/// What the kernel has not taken of a write goes as it takes it, in order and once.
@Suite struct FlightTests {
  /// A socket whose kernel takes little, and its peer.
  private func pair() throws -> (socket: Int32, peer: Int32) {
    var pair: [Int32] = [-1, -1]
    try #require(
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
    var bytes: Int32 = 4096
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    return (pair[0], pair[1])
  }

  private func read(_ peer: Int32, atMost count: Int) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: count)
    let got = recv(peer, &room, count, Int32(MSG_DONTWAIT))
    return Array(room.prefix(max(got, 0)))
  }

  @Test(arguments: TestRandom.seeds(5)) func `stretches of any size, which a peer reads as it likes`(seed: UInt64)
    throws
  {
    print("FlightTests seed \(seed)")
    var chance = TestRandom(seed: seed)
    for _ in 0..<20 {
      let (socket, peer) = try pair()
      defer {
        close(socket)
        close(peer)
      }
      let stretches = (0..<1 + chance.below(30)).map { index in
        [UInt8](repeating: UInt8(truncatingIfNeeded: index &* 37), count: chance.once(in: 5) ? 0 : chance.below(20_000))
      }
      let all = Array(stretches.joined())
      let memory = stretches.map { stretch in
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(stretch.count, 1))
        _ = copy.initialize(from: stretch)
        return copy
      }
      defer { for stretch in memory { stretch.deallocate() } }
      let flight = Stream.Flight(
        zip(memory, stretches).map { memory, stretch in
          uv_buf_t(
            base: UnsafeMutableRawPointer(memory.baseAddress!).assumingMemoryBound(to: CChar.self), len: stretch.count)
        })
      var (sent, got) = (0, [UInt8]())
      while flight.bytesLeft > 0 {
        let count = flight.go(to: socket)
        try #require(count >= 0)
        sent += count
        #expect(flight.bytesLeft == all.count - sent)
        got += read(peer, atMost: 1 + chance.below(10_000))
      }
      while got.count < all.count {
        let more = read(peer, atMost: 1 << 16)
        try #require(!more.isEmpty)
        got += more
      }
      #expect(got == all)
    }
  }

  @Test func `a copy stays as it was`() throws {
    let (socket, peer) = try pair()
    defer {
      close(socket)
      close(peer)
    }
    var bytes = [UInt8]("as it was".utf8)
    let flight = bytes.withUnsafeBytes { Stream.Flight(copying: $0) }
    bytes = [UInt8](repeating: 0, count: 9)
    #expect(flight.go(to: socket) == 9 && flight.bytesLeft == 0)
    #expect(read(peer, atMost: 100) == [UInt8]("as it was".utf8))
  }

  @Test func `a lost connection is told by its reason, and raises no signal`() throws {
    let (socket, peer) = try pair()
    defer { close(socket) }
    close(peer)
    let flight = [UInt8](repeating: 1, count: 10).withUnsafeBytes { Stream.Flight(copying: $0) }
    #expect(flight.go(to: socket) == Int(-EPIPE) && flight.bytesLeft == 10)
  }
}
