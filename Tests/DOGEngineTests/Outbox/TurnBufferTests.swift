import Testing

@testable import DOGEngine

@Suite struct TurnBufferTests {
  private let pool = BytesPool()
  private var buffer: UnsafeMutablePointer<TurnBuffer> { pool.turnBuffer }

  private func numbers(_ count: Int, from start: Int = 0) -> [UInt8] {
    (start..<start + count).map { UInt8(truncatingIfNeeded: $0) }
  }

  @Test func `what one peer is sent in a turn is one piece, and makes nothing live`() {
    let peer = FanoutSupport.Peer(pool: pool)
    for number in 0..<50 { peer.queue(numbers(20, from: number * 20)) }
    #expect(peer.outbox.live == nil && peer.bytes == 1000)
    #expect(peer.gather().pieces == [numbers(1000)])
    peer.write()
    #expect(peer.isEmpty && peer.sent == numbers(1000))
    #expect(pool.spareBytes == 0 && buffer.pointee.takers == 0)
  }

  @Test func `whose stretch another's lies behind goes on in its own chunks`() {
    let (one, other) = (FanoutSupport.Peer(pool: pool), FanoutSupport.Peer(pool: pool))
    for number in 0..<10 {
      one.queue(numbers(5, from: number * 5))
      other.queue(numbers(7, from: number * 7))
    }
    #expect(one.waiting == numbers(50) && other.waiting == numbers(70))
    one.write()
    other.write()
    #expect(one.sent == numbers(50) && other.sent == numbers(70))
    #expect(buffer.pointee.takers == 0)
  }

  @Test func `the rest of what the kernel took a part of is live`() {
    let peer = FanoutSupport.Peer(pool: pool)
    peer.queue(FanoutSupport.frame("aa") + FanoutSupport.frame("bb"))
    peer.write(1)
    #expect(peer.outbox.live != nil && buffer.pointee.takers == 0)
    // Of which the frame that was begun is not dropped.
    #expect(peer.outbox.makeRoom(for: 8, limit: 8) == 1)
    peer.write()
    #expect(peer.sent == FanoutSupport.frame("aa"))
  }

  @Test func `where it is full each goes on in its own chunks, and it begins again when all is sent`() {
    let size = 1000
    for _ in 0..<3 {
      let peers = (0..<200).map { _ in FanoutSupport.Peer(pool: pool) }
      for peer in peers { peer.queue(numbers(size)) }
      #expect(peers.filter { $0.outbox.live == nil }.count == TurnBuffer.bytesMax / size)
      for peer in peers { peer.write() }
      #expect(peers.allSatisfy { $0.sent == numbers(size) && $0.isEmpty })
      #expect(buffer.pointee.takers == 0)
    }
  }

  @Test func `what is long does not lie in it`() {
    let peer = FanoutSupport.Peer(pool: pool)
    peer.queue(numbers(TurnBuffer.sizeMax))
    #expect(peer.outbox.live == nil)
    peer.queue(numbers(TurnBuffer.sizeMax + 1))
    #expect(peer.outbox.live != nil && buffer.pointee.takers == 0)
    #expect(peer.waiting == numbers(TurnBuffer.sizeMax) + numbers(TurnBuffer.sizeMax + 1))
  }

  @Test func `an outbox that goes gives its stretch back`() {
    do {
      let peer = FanoutSupport.Peer(pool: pool)
      peer.queue([1])
      #expect(buffer.pointee.takers == 1)
    }
    #expect(buffer.pointee.takers == 0)
    let peer = FanoutSupport.Peer(pool: pool)
    peer.queue([1])
    peer.outbox.discard()
    #expect(peer.isEmpty && buffer.pointee.takers == 0)
  }

  @Test(arguments: TestRandom.seeds(5)) func `peers that share it keep their bytes apart`(seed: UInt64) {
    print("TurnBufferTests seed \(seed)")
    var chance = TestRandom(seed: seed)
    let peers = (0..<6).map { _ in FanoutSupport.Peer(pool: pool) }
    var expected = [[UInt8]](repeating: [], count: peers.count)
    for step in 0..<4000 {
      let index = chance.below(peers.count)
      let peer = peers[index]
      switch chance.below(10) {
      case 0...5:
        let bytes = numbers(1 + chance.below(chance.once(in: 20) ? 20_000 : 300), from: step)
        peer.queue(bytes)
        expected[index] += bytes
      case 6: if !peer.isInFlight { peer.write(chance.below(500)) }
      case 7, 8: if !peer.isInFlight { peer.write() }
      default:
        if peer.isInFlight {
          peer.endWrite()
        } else if !peer.isEmpty {
          peer.beginWrite(1 + chance.below(400))
        }
      }
      #expect(peer.sent + peer.waiting == expected[index])
      #expect(peer.sent.count + peer.bytes == expected[index].count)
    }
    for (peer, expected) in zip(peers, expected) {
      if peer.isInFlight { peer.endWrite() }
      while !peer.isEmpty { peer.write() }
      #expect(peer.sent == expected)
    }
    #expect(buffer.pointee.takers == 0)
  }
}
