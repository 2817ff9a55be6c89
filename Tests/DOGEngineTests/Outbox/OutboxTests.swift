import Testing

@testable import DOGEngine

/// Queueing and writing. What happens past a limit is in OutboxPolicyTests.
@Suite struct OutboxTests {
  let pool = BytesPool()
  let peer: FanoutSupport.Peer

  init() { peer = FanoutSupport.Peer(pool: pool) }

  private func numbers(_ count: Int, from start: Int = 0) -> [UInt8] {
    (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  }

  @Test func `an empty one is small and has nothing to write`() {
    #expect(MemoryLayout<Outbox>.size <= 24)
    #expect(peer.isEmpty && peer.bytes == 0 && !peer.isInFlight)
    #expect(peer.gather().bytes == 0)
    peer.outbox.completed()
    peer.outbox.discard()
    #expect(peer.isEmpty)
  }

  @Test func `a vector is laid out as an iovec`() {
    #expect(MemoryLayout<Outbox.Vector>.size == 16)
    #expect(MemoryLayout<Outbox.Vector>.offset(of: \.base) == 0)
    #expect(MemoryLayout<Outbox.Vector>.offset(of: \.count) == 8)
  }

  @Test func `small copies become one piece`() {
    for number in 0..<10 { peer.queue(numbers(20, from: number * 20)) }
    #expect(peer.bytes == 200)
    #expect(peer.gather().pieces == [numbers(200)])
  }

  @Test func `a large stretch is referred to and a small one is copied`() {
    let shared = FanoutSupport.shared(numbers(10_000), capacity: 16_384)
    peer.outbox.queue(shared, 0..<8000)
    peer.outbox.queue(shared, 9000..<9100)
    #expect(peer.waiting == numbers(8000) + numbers(100, from: 9000))
    #expect(peer.outbox.live?.segments.map { $0.bytes === shared } == [true, false])
  }

  @Test func `a small part of a huge buffer is copied, so as not to hold it`() {
    weak var held: SharedBytes?
    do {
      let shared = FanoutSupport.shared(numbers(100_000), capacity: 1 << 20)
      held = shared
      peer.outbox.queue(shared, 0..<100_000)
    }
    #expect(held == nil)
    #expect(peer.waiting == numbers(100_000))
  }

  @Test func `stretches that touch become one`() {
    let shared = FanoutSupport.shared(numbers(10_000))
    peer.outbox.queue(shared, 0..<4000)
    peer.outbox.queue(shared, 4000..<8000)
    #expect(peer.gather().pieces == [numbers(8000)])
  }

  @Test func `copies and stretches keep their order`() {
    let shared = FanoutSupport.shared(numbers(10_000))
    peer.queue([1, 2])
    peer.outbox.queue(shared, 0..<4000)
    peer.queue([3])
    peer.queue([4])
    peer.outbox.queue(shared, 5000..<9000)
    let all = [1, 2] + numbers(4000) + [3, 4] + numbers(4000, from: 5000)
    #expect(peer.waiting == all)
    peer.write(3000)
    peer.write(1500)
    peer.write()
    #expect(peer.sent == all)
    #expect(peer.isEmpty)
  }

  @Test func `the rest of what the kernel took a part of is queued`() {
    let shared = FanoutSupport.shared(numbers(10_000))
    peer.outbox.queue(shared, 100..<9000, written: 8890)
    #expect(peer.waiting == numbers(10, from: 8990))
    let other = FanoutSupport.Peer()
    other.outbox.queue(shared, 100..<9000, written: 8900)
    #expect(other.isEmpty)
  }

  @Test func `gather keeps to the bytes and the vectors it may give`() {
    for _ in 0..<5 { peer.outbox.queue(FanoutSupport.shared(numbers(2000)), 0..<2000) }
    #expect(peer.gather(bytesMax: 5000).pieces.map(\.count) == [2000, 2000, 1000])
    #expect(peer.gather(vectors: 2).pieces.map(\.count) == [2000, 2000])
    #expect(peer.gather(vectors: 0).bytes == 0)
  }

  @Test func `what is in flight stays where it is while more is queued`() {
    peer.queue(numbers(300))
    peer.beginWrite(200)
    #expect(peer.isInFlight)
    for _ in 0..<500 { peer.queue(numbers(300)) }
    peer.endWrite()
    #expect(peer.sent == numbers(200))
    #expect(!peer.isInFlight)
    #expect(peer.bytes == 300 + 500 * 300 - 200)
  }

  @Test func `a lost connection keeps only what is in flight`() {
    let shared = FanoutSupport.shared(numbers(10_000))
    peer.queue(numbers(300))
    peer.outbox.queue(shared, 0..<9000)
    peer.beginWrite(1000)
    peer.outbox.discard()
    #expect(peer.bytes == 1000)
    peer.endWrite()
    #expect(peer.sent == numbers(300) + numbers(700))
    #expect(peer.isEmpty)
    peer.queue([1])
    peer.outbox.discard()
    #expect(peer.isEmpty)
  }

  @Test func `what was sent is let go at once`() {
    weak var held: SharedBytes?
    do {
      let shared = FanoutSupport.shared(numbers(10_000))
      held = shared
      peer.outbox.queue(shared, 0..<9000)
    }
    peer.queue([1])
    peer.write(8999)
    #expect(held != nil)
    peer.write(1)
    #expect(held == nil)
    #expect(peer.waiting == [1])
  }

  @Test func `what waits for longer than a turn takes its memory from the pool and gives it back`() {
    for number in 0..<100 {
      peer.queue([1, 2, 3])
      peer.outbox.settle()
      #expect(peer.waiting == [1, 2, 3])
      #expect(pool.spareBytes == 0)
      peer.write()
      #expect(pool.spareBytes == 512, "\(number)")
    }
  }

  @Test func `a large copy does not lend its storage to small ones`() {
    peer.queue(numbers(100_000))
    peer.queue([1])
    #expect(peer.outbox.live?.segments.count == 2)
    #expect(peer.waiting == numbers(100_000) + [1])
  }

  @Test(arguments: [1, 100, 1023, 1024, 1025, 4000, 9000], [0, 4000, 4096, 4100, 40_000])
  func `queue says whether it refers to the storage or has copied it`(_ size: Int, _ capacity: Int) {
    var shared: SharedBytes? = FanoutSupport.shared(numbers(size), capacity: capacity)
    let isKept = shared.map { peer.outbox.queue($0, 0..<size) }
    #expect(isKept == !isKnownUniquelyReferenced(&shared))
    let isEmptyKept = shared.map { peer.outbox.queue($0, size..<size) }
    #expect(isEmptyKept == false)
    #expect(peer.waiting == numbers(size))
  }

  #if DEBUG
    /// Queues so many stretches that are referred to, each of storage of its own.
    private func stall(_ count: Int) {
      for _ in 0..<count { peer.outbox.queue(FanoutSupport.shared(frame), 0..<frame.count) }
    }

    private var frame: [UInt8] { FanoutSupport.frame([UInt8](repeating: 7, count: 2000)) }

    @Test(arguments: [200, 2000, 20_000])
    func `a write looks at what it writes, however much waits behind that`(_ waiting: Int) {
      stall(waiting)
      for _ in 0..<50 {
        let before = peer.outbox.live?.steps ?? 0
        _ = peer.gather(vectors: 64)
        #expect((peer.outbox.live?.steps ?? 0) - before <= 64)
        _ = peer.gather(vectors: 64, bytesMax: 10_000)
        #expect((peer.outbox.live?.steps ?? 0) - before <= 64 + 6)
      }
    }

    @Test(arguments: [200, 2000, 20_000], [0, 1, 3000, 64 << 10])
    func `a message that is dropped as the oldest moves none of those behind it`(_ waiting: Int, _ inFlight: Int) {
      stall(waiting)
      if inFlight > 0 { peer.beginWrite(inFlight) }
      // The first cuts in two where the pinned ends.
      _ = peer.outbox.queueDroppingOldest(FanoutSupport.shared(frame), 0..<frame.count, limit: peer.bytes)
      let limit = peer.bytes
      let before = peer.outbox.live?.steps ?? 0
      let messages = 1000
      for _ in 0..<messages {
        let dropped = peer.outbox.queueDroppingOldest(FanoutSupport.shared(frame), 0..<frame.count, limit: limit)
        #expect(dropped == 1)
      }
      // What is pinned moves, and it is bounded: 33 stretches here.
      let perMessage = ((peer.outbox.live?.steps ?? 0) - before) / messages
      #expect(perMessage <= 8 + 2 * inFlight / frame.count, "\(waiting) wait")
      #expect((peer.outbox.live?.segments.count ?? 0) <= 2 * waiting + 200)
    }
  #endif
}
