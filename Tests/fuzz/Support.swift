/// Traps with what was expected, which is how libFuzzer learns of it.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
  precondition(holds, what())
}

/// Where an input is cut in the runs that must say the same as the one in which it comes whole. Of the input alone, so
/// that a crash is replayed by its file.
enum Cuts {
  static func of(_ input: [UInt8]) -> [[Int]] {
    // Short inputs at every single place; all of them byte by byte, and at a few places that lie anywhere.
    let single = input.count <= 24 ? input.indices.dropFirst().map { [$0] } : []
    var state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let few = (0..<3).map { count in
      (0...count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % (input.count + 1)
      }.sorted()
    }
    return single + few + [Array(input.indices.dropFirst())]
  }

  /// The pieces, each in memory of exactly its size: what reads past one is caught by the address sanitizer.
  static func forEachPiece(_ input: [UInt8], at cuts: [Int], _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    var start = 0
    for cut in cuts + [input.count] {
      let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: cut - start, alignment: 1)
      piece.copyBytes(from: input[start..<cut])
      body(piece)
      piece.deallocate()
      start = cut
    }
  }
}

/// What fuzzers hold results against, written in another way than the engine's.
enum Plain {
  static let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  static func isToken(_ bytes: some Collection<UInt8>) -> Bool { !bytes.isEmpty && bytes.allSatisfy(tokens.contains) }

  static func lower(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 }
  }

  static func trim(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var copy = [UInt8](bytes)
    while let last = copy.last, last == 0x20 || last == 0x09 { copy.removeLast() }
    while let first = copy.first, first == 0x20 || first == 0x09 { copy.removeFirst() }
    return copy
  }

  /// Percent-decoded; nil where a '%' escapes nothing, unless that stays as it is.
  static func percentDecoded(_ bytes: [UInt8], isQuery: Bool) -> [UInt8]? {
    let digits = Array("0123456789abcdef".utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == 0x2B && isQuery {
        decoded.append(0x20)
      } else if byte == 0x25 {
        let pair = lower(bytes[index..<min(index + 2, bytes.count)]).compactMap { digits.firstIndex(of: $0) }
        if pair.count == 2 {
          decoded.append(UInt8(pair[0] * 16 + pair[1]))
          index += 2
        } else if isQuery {
          decoded.append(byte)
        } else {
          return nil
        }
      } else {
        decoded.append(byte)
      }
    }
    return decoded
  }

  static func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte in
      let digits = String(byte, radix: 16)
      return Array("%\(digits.utf8.count < 2 ? "0" : "")\(digits)".utf8)
    }
  }
}
