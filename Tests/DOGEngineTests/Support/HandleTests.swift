import Testing

@testable import DOGEngine

@Suite struct HandleTests {
  @Test func `every part comes back from the 64 bits, up to its largest`() {
    var random = TestRandom(for: "Handle")
    for _ in 0..<2000 {
      let kind = Handle.Kind(rawValue: UInt64(1 + random.below(11))) ?? .gateway
      let engine = random.once(in: 4) ? 255 : random.below(256)
      let worker = random.once(in: 4) ? 63 : random.below(64)
      let slot = random.once(in: 4) ? Handle.slotsMax - 1 : random.below(Handle.slotsMax)
      let generation = random.once(in: 4) ? Handle.generationMax : UInt32(random.below(1 << 24))
      let handle = Handle(kind: kind, engine: engine, worker: worker, slot: slot, generation: generation)
      let back = Handle(rawValue: handle.rawValue)
      #expect(back == handle)
      #expect(back.kind == kind)
      #expect(back.engine == engine)
      #expect(back.worker == worker)
      #expect(back.slot == slot)
      #expect(back.generation == generation)
      #expect(back.mark == UInt32(kind.rawValue) << 24 | generation)
    }
  }

  @Test func `no kind: 0 and what is invented are stale, another kind is of the wrong kind`() {
    #expect(Handle.none.kind == nil)
    #expect(Handle.none.misfit == .stale)
    for kind in UInt64(14)...15 { #expect(Handle(rawValue: kind << 60 | 1).misfit == .stale) }
    for kind in UInt64(1)...13 { #expect(Handle(rawValue: kind << 60).misfit == .wrongKind) }
  }

  @Test func `a mark leaves room for the slot map's two bits`() {
    for kind in UInt64(1)...12 {
      let handle = Handle(rawValue: kind << 60 | UInt64(Handle.generationMax))
      #expect(handle.mark < 1 << 30)
    }
  }

  @Test func `the kinds of requests are those that are put to the host`() {
    let requests: [Handle.Kind] = [.fetch, .identify, .clusterize, .receive]
    for kind in (1...11).compactMap(Handle.Kind.init) { #expect(kind.isRequest == requests.contains(kind)) }
  }
}
