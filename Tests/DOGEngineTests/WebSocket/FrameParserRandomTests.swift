import Testing

@testable import DOGEngine

@Suite struct FrameParserRandomTests {
  @Test(arguments: TestRandom.seeds(400))
  func `random streams in random reads come out as the reference decoder has them`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    let limit = [64, 1000, 100_000].randomElement(using: &random) ?? 0
    var bytes = RandomFrames.stream(using: &random)
    if Bool.random(using: &random), let index = bytes.indices.randomElement(using: &random) {
      bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    }
    let expected = ReferenceDecoder.decode(bytes, messageBytesMax: limit)
    for _ in 0..<4 {
      let count = Int.random(in: 0...min(bytes.count, 40), using: &random)
      let cuts = (0..<count).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      let events = FrameReader.read(bytes, cuts: cuts, messageBytesMax: limit)
      #expect(events == expected, "seed \(seed), limit \(limit), cuts \(cuts)")
    }
  }

  @Test(arguments: TestRandom.seeds(200))
  func `random bytes do no harm`(_ seed: UInt64) {
    var random = TestRandom(seed: seed)
    let bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
    let expected = ReferenceDecoder.decode(bytes, messageBytesMax: 1000)
    #expect(FrameReader.read(bytes, messageBytesMax: 1000) == expected, "seed \(seed)")
    #expect(FrameReader.readByteByByte(bytes, messageBytesMax: 1000).events == expected, "seed \(seed)")
  }

  @Test func `the random streams hold every kind of event`() {
    var kinds = Set<String>()
    for seed in 0..<60 as Range<UInt64> {
      var random = TestRandom(seed: seed)
      for event in ReferenceDecoder.decode(RandomFrames.stream(using: &random), messageBytesMax: 1000) {
        kinds.insert(String(event.description.prefix { $0 != "(" }))
        if case .invalid(let code) = event { kinds.insert("\(code)") }
      }
    }
    #expect(kinds == ["text", "binary", "ping", "pong", "close", "invalid", "1002", "1007", "1009"])
  }
}
