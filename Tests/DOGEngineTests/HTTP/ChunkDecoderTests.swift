import Testing

@testable import DOGEngine

/// The decoder alone; RequestBodyTests has what it means for requests.
@Suite struct ChunkDecoderTests {
  private struct Outcome: Equatable {
    var body: [UInt8] = []
    var status: Int?
    /// How many bytes follow the end; nil when it has not come.
    var rest: Int?
  }

  private static func decode(_ bytes: [UInt8], cutAt cuts: [Int]) -> Outcome {
    var decoder = ChunkDecoder(bodyBytesMax: 100, extraBytesMax: 40)
    var outcome = Outcome()
    var start = 0
    for cut in cuts + [bytes.count] {
      let piece = bytes[start..<cut]
      start = cut
      if let rest = outcome.rest { outcome.rest = rest + piece.count }
      piece.withUnsafeBytes { piece in
        var input = piece
        while outcome.rest == nil && outcome.status == nil {
          switch decoder.next(&input) {
          case .needMore: return
          case .data(let data): outcome.body += data
          case .end: outcome.rest = input.count
          case .invalid(let fault): outcome.status = fault.status
          }
        }
      }
    }
    return outcome
  }

  @Test(
    arguments: [
      ("0\r\n\r\n", 0, nil), ("3\r\nabc\r\n0\r\n\r\nGET", 3, nil),
      ("A;x=y\r\n0123456789\r\n1\r\na\r\n0\r\nT: u\r\n\r\n", 11, nil),
      ("3\r\nabcd", 3, 400), ("3\r\nabc\rX", 3, 400), ("65\r\n", 0, 413),
      ("1;\(String(repeating: "x", count: 41))", 0, 431),
      ("0\r\nX : y", 0, 400), ("g", 0, 400), ("3\r\nab", 2, nil),
    ] as [(String, Int, Int?)])
  func `what is cut anywhere is decoded the same`(_ text: String, _ count: Int, _ status: Int?) {
    let bytes = [UInt8](text.utf8)
    let whole = Self.decode(bytes, cutAt: [])
    #expect(whole.body.count == count)
    #expect(whole.status == status)
    for cut in bytes.indices { #expect(Self.decode(bytes, cutAt: [cut]) == whole, "cut at \(cut)") }
    #expect(Self.decode(bytes, cutAt: Array(bytes.indices)) == whole)
  }
}
