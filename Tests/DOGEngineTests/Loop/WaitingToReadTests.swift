import Glibc
import Testing

@testable import DOGEngine

/// Streams that wait to read: for their turn, and for a loop that holds.
@Suite struct WaitingToReadTests {
  private final class Reader: StreamOwner {
    let stream: Stream
    /// What it was told each time that it went on: for how long the loop had held.
    var heldMs: [UInt64?] = []
    var bytes = 0

    init(_ stream: Stream) {
      self.stream = stream
      super.init()
      stream.owner = self
    }

    override func streamReady(_ peer: Peer) {}
    override func streamRead(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes += bytes.count }
    override func streamEnded() {}
    override func streamFailed(_ code: Int32) {}
    override func streamBroken(_ reason: String) {}
    override func streamWritten() {}
    override func streamGoesOn(heldSince: UInt64?) { heldMs.append(heldSince.map { stream.loop.now - $0 }) }
  }

  /// Runs a loop that holds at first, with readers each of which has something to read. `turn` is called at the end of
  /// each of its turns, until it returns false.
  private func run(_ count: Int, _ turn: @escaping (EventLoop, [Reader]) -> Bool) throws -> [Reader] {
    let loop = try EventLoop()
    var readers: [Reader] = []
    var peers: [Int32] = []
    for _ in 0..<count {
      var pair: [Int32] = [-1, -1]
      try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
      let connection = DetachedConnection(descriptor: pair[0], peer: Peer(address: nil), tls: nil)
      readers.append(Reader(try Stream.adopt(connection, on: loop)))
      peers.append(pair[1])
      try #require(Glibc.send(pair[1], "x", 1, 0) == 1)
    }
    loop.hold()
    var isOver = false
    loop.onTurnEnd = { [readers] in
      loop.wake()
      guard !isOver, !turn(loop, readers) else { return }
      isOver = true
      for reader in readers { reader.stream.close() }
      loop.close()
    }
    for reader in readers { reader.stream.begin() }
    loop.run()
    loop.onTurnEnd = {}
    for peer in peers { close(peer) }
    return readers
  }

  @Test func `E2: whoever waits through several holds is credited with all of them`() throws {
    let holdMs: UInt64 = 30
    var (holds, goesOnAt) = (1, UInt64?.none)
    let readers = try run(40) { loop, readers in
      if loop.isHolding {
        // Its time begins when all are in line.
        guard readers.allSatisfy(\.stream.isHeld) else { return true }
        let time = goesOnAt ?? loop.now + holdMs
        goesOnAt = time
        if loop.now >= time { loop.goOn() }
      } else if holds < 3, readers.contains(where: { !$0.heldMs.isEmpty }) {
        // Sixteen have their turn, which comes to nothing: they and the others are held once more.
        (holds, goesOnAt) = (holds + 1, nil)
        loop.hold()
      }
      return !readers.allSatisfy { $0.bytes == 1 }
    }
    let longest = readers.map { reader in reader.heldMs.compactMap(\.self).max() ?? 0 }.sorted()
    #expect(longest[0] >= holdMs)
    #expect(longest[16] >= 2 * holdMs)
    #expect(longest[32] >= 3 * holdMs)
  }
}
