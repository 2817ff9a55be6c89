@testable import DOGEngine

/// A chunked body: the same however it is cut, the same as a plain reading of RFC 9112, section 7.1, and never more
/// than its limit. What is encoded is decoded to itself.
enum ChunkFuzzer: Fuzzer {
  static let name = "chunk"

  static var seeds: [[UInt8]] {
    let mark = "Transfer-Encoding: chunked\r\n\r\n"
    return (RequestSamples.valid + RequestSamples.refused.map(\.text)).compactMap { text in
      let bytes = [UInt8](text.utf8)
      let start = bytes.indices.first { bytes[$0...].starts(with: mark.utf8) }
      return start.map { Array(bytes[($0 + mark.utf8.count)...]) }
    }.filter { !$0.isEmpty && $0.count < 2000 }
  }

  struct Outcome: Equatable {
    var body: [UInt8] = []
    /// The status of the refusal.
    var status: Int?
    /// How many bytes follow the end; nil when it has not come.
    var rest: Int?
  }

  static func run(_ input: [UInt8]) {
    for (bodyBytesMax, extraBytesMax) in [(1 << 16, 1 << 12), (20, 30)] {
      let whole = decode(input, cutAt: [], bodyBytesMax, extraBytesMax)
      expect(whole.body.count <= bodyBytesMax, "a body over its limit")
      for cuts in Cuts.of(input) {
        let parts = decode(input, cutAt: cuts, bodyBytesMax, extraBytesMax)
        expect(parts == whole, "cut at \(cuts): \(parts), whole: \(whole)")
      }
      if let rest = whole.rest {
        expect(plain(input.dropLast(rest)) == whole.body, "not what the plain reading says")
      }
    }
    let encoded = encode(input)
    let decoded = decode(encoded + [0x58], cutAt: [], input.count, 64)
    expect(decoded == Outcome(body: input, status: nil, rest: 1), "encoded, then decoded: \(decoded)")
  }

  private static func decode(
    _ input: [UInt8], cutAt cuts: [Int], _ bodyBytesMax: Int, _ extraBytesMax: Int
  ) -> Outcome {
    var decoder = ChunkDecoder(bodyBytesMax: bodyBytesMax, extraBytesMax: extraBytesMax)
    var outcome = Outcome()
    Cuts.forEachPiece(input, at: cuts) { piece in
      guard outcome.status == nil else { return }
      if outcome.rest != nil { outcome.rest? += piece.count }
      var bytes = UnsafeRawBufferPointer(piece)
      while outcome.rest == nil && outcome.status == nil {
        switch decoder.next(&bytes) {
        case .needMore:
          expect(bytes.isEmpty, "more is needed, and bytes are left")
          return
        case .data(let data): outcome.body += data
        case .end: outcome.rest = bytes.count
        case .invalid(let fault): outcome.status = fault.status
        }
      }
    }
    return outcome
  }

  /// A whole chunked body that is known to be well formed.
  private static func plain(_ input: ArraySlice<UInt8>) -> [UInt8]? {
    var body: [UInt8] = []
    var rest = input
    while let lineEnd = rest.firstIndex(of: 0x0D) {
      let digits = rest[..<lineEnd].prefix { $0 != 0x3B }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
      rest = rest[(lineEnd + 2)...]
      if size == 0 { return body }
      guard rest.count >= size + 2 else { return nil }
      body += rest.prefix(size)
      rest = rest.dropFirst(size)
      guard rest.starts(with: [0x0D, 0x0A]) else { return nil }
      rest = rest.dropFirst(2)
    }
    return nil
  }

  /// In chunks as long as the bytes themselves say.
  private static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var encoded: [UInt8] = []
    var rest = bytes[...]
    while let first = rest.first {
      let chunk = rest.prefix(1 + Int(first) % 40)
      encoded += Array("\(String(chunk.count, radix: 16, uppercase: first & 64 != 0))\r\n".utf8) + chunk + [0x0D, 0x0A]
      rest = rest.dropFirst(chunk.count)
    }
    return encoded + Array("0\r\nX: y\r\n\r\n".utf8)
  }
}
