import Testing

@testable import DOGEngine

@Suite struct ReadAheadTests {
  @Test func `what was appended is read in order, however it is taken`() {
    for seed in 0..<200 as Range<UInt64> {
      var random = TestRandom(seed: seed)
      var (ahead, twin) = (ReadAhead(), [UInt8]())
      for _ in 0..<60 {
        if Bool.random(using: &random) {
          let more = (0..<Int.random(in: 0...50, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
          more.withUnsafeBytes { ahead.append($0) }
          twin += more
        } else {
          let left = Int.random(in: 0...twin.count, using: &random)
          ahead.keepLast(left)
          twin.removeFirst(twin.count - left)
        }
        #expect(ahead.array == twin && ahead.count == twin.count && ahead.isEmpty == twin.isEmpty, "seed \(seed)")
        #expect(ahead.withBytes { [UInt8]($0) } == twin, "seed \(seed)")
      }
    }
  }

  /// Bytes moved for n requests that come in pieces and are taken one by one.
  private func moved(requests: Int, each size: Int, inPiecesOf piece: Int) -> Int {
    var ahead = ReadAhead()
    let bytes = [UInt8](repeating: 1, count: piece)
    var (sent, taken) = (0, 0)
    while taken < requests {
      if sent < requests * size { bytes.withUnsafeBytes { ahead.append($0) } }
      sent += piece
      ahead.keepLast(ahead.count - size)
      taken += 1
    }
    return ahead.bytesMoved
  }

  @Test func `twice as many requests move twice as many bytes`() {
    for piece in [60, 6000, 192_000] {
      let once = moved(requests: 3200, each: 30, inPiecesOf: piece)
      let twice = moved(requests: 6400, each: 30, inPiecesOf: piece)
      #expect(twice <= once * 2 + 2 * piece, "pieces of \(piece): \(once), then \(twice)")
    }
  }
}
