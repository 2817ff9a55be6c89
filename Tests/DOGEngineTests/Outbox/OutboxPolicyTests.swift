import Testing

@testable import DOGEngine

/// Rule S8, case by case. Frames here are their text's length and 2 bytes more.
@Suite struct OutboxPolicyTests {
  let peer = FanoutSupport.Peer()

  private func frames(_ texts: String...) -> SharedBytes {
    FanoutSupport.shared(texts.flatMap { FanoutSupport.frame($0) })
  }

  private func ping(_ text: String) -> [UInt8] { FanoutSupport.frame(Array(text.utf8), opcode: 9) }

  @Test func `S8 the oldest make room, and no more of them than must`() {
    for text in ["aa", "bb", "cc", "dd"] { peer.queue(FanoutSupport.frame(text)) }
    #expect(peer.outbox.makeRoom(for: 4, limit: 20) == 0)
    #expect(peer.outbox.makeRoom(for: 5, limit: 16) == 2)
    #expect(peer.waitingTexts == ["cc", "dd"])
    #expect(peer.bytes == 8)
    #expect(peer.outbox.makeRoom(for: 16, limit: 16) == 2)
    #expect(peer.isEmpty)
  }

  @Test func `S8 no room is made for what cannot fit`() {
    peer.queue(FanoutSupport.frame("aa"))
    #expect(peer.outbox.makeRoom(for: 17, limit: 16) == 0)
    #expect(peer.waitingTexts == ["aa"])
  }

  @Test func `S8 control frames are passed over, in order`() {
    peer.queue(ping("p1"))
    peer.queue(FanoutSupport.frame("aa"))
    peer.queue(ping("p2"))
    peer.queue(FanoutSupport.frame("bb"))
    peer.queue(ping("p3"))
    peer.queue(FanoutSupport.frame("cc"))
    #expect(peer.outbox.makeRoom(for: 8, limit: 24) == 2)
    #expect(peer.waitingTexts == ["p1", "p2", "p3", "cc"])
    #expect(peer.outbox.makeRoom(for: 12, limit: 24) == 1)
    #expect(peer.waitingTexts == ["p1", "p2", "p3"])
    #expect(peer.outbox.makeRoom(for: 24, limit: 24) == 0)
    #expect(peer.bytes == 12)
  }

  @Test func `S8 a control frame that is kept does not hold the storage it lay in`() {
    weak var held: SharedBytes?
    do {
      let large = FanoutSupport.frame(String(repeating: "x", count: 5000))
      let shared = FanoutSupport.shared(large + ping("p") + large)
      held = shared
      peer.outbox.queue(shared, 0..<shared.count)
    }
    #expect(peer.outbox.makeRoom(for: 5000, limit: 5010) == 2)
    #expect(held == nil)
    #expect(peer.waitingTexts == ["p"])
  }

  @Test func `S8 a frame of which a part is written is not dropped`() {
    for text in ["aa", "bb", "cc"] { peer.queue(FanoutSupport.frame(text)) }
    peer.write(5)
    #expect(peer.outbox.makeRoom(for: 8, limit: 8) == 1)
    #expect(peer.waiting == Array(FanoutSupport.frame("bb").dropFirst()))
    peer.write()
    #expect(peer.sent == FanoutSupport.frame("aa") + FanoutSupport.frame("bb"))
  }

  @Test(arguments: 0...9) func `S8 what comes before the first frame is not dropped, and no frame is looked for in it`(
    written: Int
  ) {
    let preamble = Array("\u{2}\u{1}preamble".utf8)
    peer.outbox.queuePreamble(FanoutSupport.shared(preamble), written: written)
    for text in ["aa", "bb", "cc"] { peer.queue(FanoutSupport.frame(text)) }
    #expect(peer.outbox.makeRoom(for: 8, limit: 16) >= 2)
    #expect(peer.outbox.queueDroppingOldest(frames("dd"), 0..<4, limit: 1) >= 1)
    #expect(peer.outbox.queueDroppingNewest(frames("ee"), 0..<4, limit: 1) == 1)
    let rest = Array(preamble.dropFirst(written))
    #expect(peer.waiting == rest)
    peer.queue(FanoutSupport.frame("ff"))
    peer.write(20)
    #expect(peer.sent == rest + FanoutSupport.frame("ff"))
    #expect(peer.isEmpty)
  }

  @Test(arguments: 1...12) func `S8 what is in flight is not dropped, nor the frame it ends in`(inFlight: Int) {
    for text in ["aa", "bb", "cc", "dd"] { peer.queue(FanoutSupport.frame(text)) }
    peer.beginWrite(inFlight)
    let pinned = (inFlight + 3) / 4
    for _ in 0..<2 { #expect(peer.outbox.queueDroppingOldest(frames("ee"), 0..<4, limit: 1) >= 1) }
    #expect(peer.waitingTexts == Array(["aa", "bb", "cc", "dd"].prefix(pinned)))
    peer.endWrite()
    peer.write()
    #expect(peer.sent.count == 4 * pinned)
  }

  @Test func `S8 of a stretch too long for the limit the newest stay`() {
    peer.queue(FanoutSupport.frame("aa"))
    let stretch = frames("bb", "cc", "dd", "ee")
    #expect(peer.outbox.queueDroppingOldest(stretch, 0..<16, limit: 9) == 3)
    #expect(peer.waitingTexts == ["dd", "ee"])
  }

  @Test func `S8 drop newest queues what fits and counts what does not`() {
    peer.queue(FanoutSupport.frame("aa"))
    let stretch = frames("bb", "a long one", "cc", "dd")
    #expect(peer.outbox.queueDroppingNewest(stretch, 0..<stretch.count, limit: 13) == 2)
    #expect(peer.waitingTexts == ["aa", "bb", "cc"])
  }

  @Test func `S8 drop newest drops no control frame of a stretch`() {
    let stretch = FanoutSupport.shared(FanoutSupport.frame("aa") + ping("p") + FanoutSupport.frame("bb"))
    #expect(peer.outbox.queueDroppingNewest(stretch, 0..<stretch.count, limit: 3) == 2)
    #expect(peer.waitingTexts == ["p"])
  }

  @Test(arguments: 0...16) func `S8 the rest of a frame that the kernel has begun is queued, whatever the limit`(
    written: Int
  ) {
    let whole = Array(FanoutSupport.contents(frames("aa", "bb", "cc", "dd"), 0..<16))
    let begun = (written + 3) / 4 * 4
    for drop in [0, 1] {
      let peer = FanoutSupport.Peer()
      let stretch = frames("aa", "bb", "cc", "dd")
      let dropped =
        drop == 0
        ? peer.outbox.queueDroppingNewest(stretch, 0..<16, limit: 0, written: written)
        : peer.outbox.queueDroppingOldest(stretch, 0..<16, limit: 0, written: written)
      #expect(peer.waiting == Array(whole[written..<begun]))
      #expect(dropped == (16 - begun) / 4)
    }
  }
}
