import Testing

@testable import DOGEngine

@Suite struct NameIndexTests {
  @Test func `an empty index finds nothing`() {
    var index = NameIndex()
    #expect(index.find(0) { _ in true } == nil)
    index.insert(5, entry: 0)
    index.remove(5, entry: 0)
    #expect(index.find(5) { _ in true } == nil)
  }

  @Test func `entries of one hash are told apart by what they match`() {
    var index = NameIndex()
    for entry in 0..<30 { index.insert(0xffff_ffff, entry: entry) }
    index.remove(0xffff_ffff, entry: 11)
    for entry in 0..<30 {
      #expect(index.find(0xffff_ffff) { $0 == entry } == (entry == 11 ? nil : entry))
    }
    #expect(index.find(0xffff_fffe) { _ in true } == nil)
  }

  @Test func `equal names have equal hashes, and others hardly ever`() throws {
    let names = try (0..<1_000).map { try #require(Name("user \($0)")) }
    let hashes = names.map(NameIndex.hash(of:))
    #expect(hashes == names.map(NameIndex.hash(of:)))
    #expect(Set(hashes).count > 995)
  }

  @Test func `random inserts and removals find what a dictionary finds, however hashes collide`() throws {
    var random = TestRandom(for: "NameIndexTests")
    for spread in [1, 3, 40, 1_000] {
      var index = NameIndex()
      var reference: [Int: UInt32] = [:]
      for step in 0..<6_000 {
        // Hashes just below a power of two, so that probing runs past the end of the table.
        let entry = random.below(step % 2_000 < 1_000 ? 80 : 20)
        if let hash = reference.removeValue(forKey: entry) {
          index.remove(hash, entry: entry)
        } else {
          let hash = UInt32.max - UInt32(random.below(spread))
          index.insert(hash, entry: entry)
          reference[entry] = hash
        }
        index.checkInvariants()
        try #require(index.count == reference.count)
        let sought = random.below(80)
        let hash = reference[sought] ?? UInt32.max
        let found = index.find(hash) { $0 == sought }
        try #require(found == (reference[sought] == nil ? nil : sought), "step \(step), DOG_SEED=\(random.seed)")
      }
    }
  }
}
