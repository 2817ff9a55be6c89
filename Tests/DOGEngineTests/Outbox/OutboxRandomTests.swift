import Testing

@testable import DOGEngine

/// An outbox against a reference that is a plain list of frames.
@Suite struct OutboxRandomTests {
  struct Reference {
    struct Frame {
      var bytes: [UInt8]
      var isControl: Bool
    }
    var frames: [Frame] = []
    /// Bytes of the first frame that were sent.
    var begun = 0
    var inFlight = 0

    var bytes: Int { frames.reduce(0) { $0 + $1.bytes.count } - begun }
    var content: [UInt8] { Array(frames.flatMap(\.bytes).dropFirst(begun)) }

    mutating func send(_ count: Int) {
      begun += count
      while let first = frames.first, begun >= first.bytes.count {
        begun -= first.bytes.count
        frames.removeFirst()
      }
    }

    /// The first frame that may be dropped.
    private func firstDroppable() -> Int? {
      var end = -begun
      for (index, frame) in frames.enumerated() {
        let isPinned = end < max(inFlight, index == 0 && begun > 0 ? 1 : 0)
        if !isPinned, !frame.isControl { return index }
        end += frame.bytes.count
      }
      return nil
    }

    mutating func dropOldest(until limit: Int) -> Int {
      var dropped = 0
      while bytes > limit, let index = firstDroppable() {
        frames.remove(at: index)
        dropped += 1
      }
      return dropped
    }
  }

  struct World {
    var chance: TestRandom
    let peer = FanoutSupport.Peer()
    var reference = Reference()
    var sent: [UInt8] = []
    let limit: Int
    var dropped = 0

    init(seed: UInt64) {
      chance = TestRandom(seed: seed)
      limit = [300, 2000, 8000][chance.below(3)]
    }

    private mutating func frame() -> Reference.Frame {
      let isControl = chance.once(in: 10)
      let size = isControl ? chance.below(20) : chance.once(in: 8) ? chance.below(limit) : chance.below(40)
      let payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
      return Reference.Frame(bytes: FanoutSupport.frame(payload, opcode: isControl ? 9 : 2), isControl: isControl)
    }

    /// Frames in shared bytes, with something before and after them that is not to be sent.
    private mutating func stretch() -> (frames: [Reference.Frame], shared: SharedBytes, range: Range<Int>) {
      let frames = (0..<1 + chance.below(12)).map { _ in frame() }
      let content = frames.flatMap(\.bytes)
      let before = chance.below(30)
      let bytes = [UInt8](repeating: 0xee, count: before) + content + [0xee]
      let capacity = chance.once(in: 3) ? bytes.count * 8 : bytes.count
      return (frames, FanoutSupport.shared(bytes, capacity: capacity), before..<before + content.count)
    }

    mutating func step() {
      switch chance.below(12) {
      case 0..<3: copy()
      case 3: stretchWithinLimit()
      case 4..<6: stretchDroppingOldest()
      case 6..<8: stretchDroppingNewest()
      case 8, 9: write()
      case 10: beginWrite()
      default: endWrite()
      }
      check()
    }

    /// Control frames always, data frames by a policy.
    private mutating func copy() {
      let frame = frame()
      if !frame.isControl {
        let after = reference.bytes + frame.bytes.count
        if frame.bytes.count <= limit - reference.inFlight {
          let count = reference.dropOldest(until: limit - frame.bytes.count)
          #expect(peer.outbox.makeRoom(for: frame.bytes.count, limit: limit) == count)
          #expect(after <= limit ? count == 0 : true)
          dropped += count
        } else {
          #expect(peer.outbox.makeRoom(for: frame.bytes.count, limit: limit) == 0)
        }
        guard peer.bytes + frame.bytes.count <= limit else { return }
      }
      peer.queue(frame.bytes)
      reference.frames.append(frame)
    }

    private mutating func stretchWithinLimit() {
      let (frames, shared, range) = stretch()
      guard reference.bytes + range.count <= limit else { return }
      let written = reference.frames.isEmpty ? chance.below(range.count) : 0
      peer.outbox.queue(shared, range, written: written)
      reference.frames += frames
      take(written, of: shared, range)
    }

    private mutating func stretchDroppingOldest() {
      let (frames, shared, range) = stretch()
      let written = reference.frames.isEmpty && chance.once(in: 2) ? chance.below(range.count) : 0
      let count = peer.outbox.queueDroppingOldest(shared, range, limit: limit, written: written)
      reference.frames += frames
      take(written, of: shared, range)
      #expect(reference.dropOldest(until: limit) == count)
      dropped += count
    }

    private mutating func stretchDroppingNewest() {
      let (frames, shared, range) = stretch()
      let written = reference.frames.isEmpty && chance.once(in: 2) ? chance.below(range.count) : 0
      let count = peer.outbox.queueDroppingNewest(shared, range, limit: limit, written: written)
      var expected = 0
      var place = 0
      for frame in frames {
        let isBegun = place < written
        place += frame.bytes.count
        let left = max(0, place - written)
        if isBegun && left == 0 { continue }
        if isBegun {
          reference.frames.append(frame)
          reference.begun = frame.bytes.count - left
        } else if frame.isControl || frame.bytes.count <= limit - reference.bytes {
          reference.frames.append(frame)
        } else {
          expected += 1
        }
      }
      sent += FanoutSupport.contents(shared, range.lowerBound..<range.lowerBound + written)
      peer.sent += FanoutSupport.contents(shared, range.lowerBound..<range.lowerBound + written)
      #expect(count == expected)
      dropped += count
    }

    private mutating func take(_ written: Int, of shared: SharedBytes, _ range: Range<Int>) {
      let bytes = FanoutSupport.contents(shared, range.lowerBound..<range.lowerBound + written)
      sent += bytes
      peer.sent += bytes
      reference.send(written)
    }

    private mutating func write() {
      guard reference.inFlight == 0 else { return }
      let before = peer.sent.count
      peer.write(chance.once(in: 4) ? .max : chance.below(200))
      let count = peer.sent.count - before
      sent += reference.content.prefix(count)
      reference.send(count)
    }

    private mutating func beginWrite() {
      guard reference.inFlight == 0, reference.bytes > 0 else { return }
      peer.beginWrite(1 + chance.below(400))
      reference.inFlight = peer.outbox.live?.inFlight ?? 0
    }

    private mutating func endWrite() {
      sent += reference.content.prefix(reference.inFlight)
      reference.send(reference.inFlight)
      reference.inFlight = 0
      peer.endWrite()
    }

    mutating func check() {
      #expect(peer.bytes == reference.bytes)
      #expect(peer.isEmpty == (reference.bytes == 0))
      #expect(peer.waiting == reference.content)
      if let live = peer.outbox.live {
        let sizes = live.indices.map { live.segments[$0].count }
        #expect(!sizes.contains(0) && sizes.reduce(0, +) == live.bytes)
      }
      #expect(peer.sent == sent)
      peer.sent = []
      sent = []
    }

    /// Over the limit are only control frames, what is in flight, and frames that were begun.
    func checkLimit() {
      guard reference.bytes > limit else { return }
      let control = reference.frames.reduce(0) { $0 + ($1.isControl ? $1.bytes.count : 0) }
      let begun = reference.begun > 0 ? reference.frames[0].bytes.count : 0
      #expect(reference.bytes - control - begun - reference.inFlight <= limit)
    }
  }

  @Test(arguments: TestRandom.seeds(5))
  func `S8 what waits is what the policy leaves, in order, over random sends and writes`(seed: UInt64) {
    print("OutboxRandomTests seed \(seed)")
    var world = World(seed: seed)
    for _ in 0..<2500 {
      world.step()
      world.checkLimit()
    }
    #expect(world.dropped > 100)
  }
}
