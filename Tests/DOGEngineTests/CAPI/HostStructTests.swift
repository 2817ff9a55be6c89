import Testing

@testable import DOGEngine

@Suite struct HostStructTests {
  /// A struct that had `size` and `first` once.
  private struct Grown: HostStruct, Equatable {
    var size = MemoryLayout<Grown>.size
    var first = 1
    var added = 7

    static var defaults: Grown { Grown() }
    static var firstSize: Int { 16 }
  }

  private func read(_ words: [Int]) throws -> Grown {
    try words.withUnsafeBytes { try Grown(reading: $0.baseAddress?.assumingMemoryBound(to: Grown.self)) }
  }

  private func made(size: Int) throws -> [Int] {
    var words = [-1, -1, -1, -1, -1]
    _ = try words.withUnsafeMutableBytes {
      try Grown.make($0.baseAddress?.assumingMemoryBound(to: Grown.self), size: size)
    }
    return words
  }

  @Test func `a host of today is taken at its word`() throws {
    #expect(try read([24, 5, 6]) == Grown(size: 24, first: 5, added: 6))
    #expect(try made(size: 24) == [24, 1, 7, -1, -1])
  }

  @Test func `a host of the first release has defaults for what it does not know, and nothing written behind it`()
    throws
  {
    #expect(try read([16, 5, 99]) == Grown(size: 16, first: 5, added: 7))
    #expect(try made(size: 16) == [16, 1, -1, -1, -1])
  }

  @Test func `a host of tomorrow may not ask for what is not known here`() throws {
    #expect(try read([32, 5, 6, 0]) == Grown(size: 32, first: 5, added: 6))
    #expect(throws: Status.invalid) { try read([32, 5, 6, 1]) }
    #expect(try made(size: 32) == [32, 1, 7, 0, -1])
  }

  @Test(arguments: [0, 8, 15, 4097, -1, Int.min, Int.max]) func `a size that no host has is refused`(size: Int) {
    #expect(throws: Status.invalid) { try read([size, 5, 6, 0]) }
    #expect(throws: Status.invalid) { try made(size: size) }
  }

  @Test func `NULL is refused`() {
    #expect(throws: Status.invalid) { try Grown(reading: nil) }
    #expect(throws: Status.invalid) { try Grown.make(nil, size: 24) }
  }
}
