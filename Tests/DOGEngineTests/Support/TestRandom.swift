import Glibc

/// SplitMix64: the seed alone replays a run.
struct TestRandom: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// The seed of the environment, to replay a run that failed.
  private static var given: UInt64? { getenv("DOG_SEED").flatMap { UInt64(String(cString: $0)) } }

  /// Seeded by DOG_SEED, else by chance; prints which, for the run to be replayed.
  init(for test: String) {
    self.init(seed: TestRandom.given ?? UInt64.random(in: 0...UInt64.max))
    print("\(test): DOG_SEED=\(seed)")
  }

  /// What a test takes for its arguments: the seeds 1 to `count`, the same in each run, and a new one, which a failure
  /// names; or DOG_SEED alone.
  static func seeds(_ count: UInt64) -> [UInt64] {
    given.map { [$0] } ?? Array(1...count) + [UInt64.random(in: count + 1...UInt64.max)]
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// 0 up to `end`, the small ones a little likelier; cheap in a debug build.
  mutating func below(_ end: Int) -> Int { Int(next() >> 1) % end }

  /// Once in `odds`.
  mutating func once(in odds: Int) -> Bool { below(odds) == 0 }
}
