import Testing

@testable import DOGEngine

@Suite struct UTF8ValidatorTests {
  private static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes(UTF8Validator.isValid) }

  /// How many of `bytes` are taken before one is refused, one at a time; and whether they end between characters.
  private static func feed(_ bytes: [UInt8]) -> (taken: Int, isComplete: Bool) {
    var validator = UTF8Validator()
    for (index, byte) in bytes.enumerated() {
      let isGood = withUnsafeBytes(of: byte) { validator.validate($0) }
      guard isGood else { return (index, validator.isComplete) }
    }
    return (bytes.count, validator.isComplete)
  }

  @Test func `every scalar is valid`() {
    var bytes: [UInt8] = []
    for value in 0...UInt32(0x10FFFF) {
      if let encoded = Unicode.Scalar(value).flatMap(UTF8.encode) { bytes.append(contentsOf: encoded) }
    }
    #expect(Self.isValid(bytes))
  }

  @Test func `every sequence around the edges of the ranges is as the standard library has it`() {
    let edges: [UInt8] = [
      0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
      0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    var wrong: [[UInt8]] = []
    for first in edges {
      for second in edges {
        for third in edges {
          for tail in [[], [0x7F], [0x80], [0xBF], [0xC2], [0x80, 0x80]] as [[UInt8]] {
            let bytes = [first, second, third] + tail
            if Self.isValid(bytes) != ReferenceDecoder.isText(bytes) { wrong.append(bytes) }
          }
        }
      }
    }
    #expect(wrong == [])
  }

  @Test func `every pair of bytes is refused at the byte that cannot be made good`() {
    var wrong: [[UInt8]] = []
    // The lead bytes, and one of each kind below them.
    for first in [0x00, 0x7F, 0x80, 0xBF] + [UInt8](0xC0...0xFF) {
      for second in UInt8.min...UInt8.max {
        let bytes = [first, second]
        let good = (0...2).last { ReferenceDecoder.mayBecomeText([UInt8](bytes.prefix($0))) }
        let (taken, isComplete) = Self.feed(bytes)
        if taken != good || isComplete != ReferenceDecoder.isText(bytes) { wrong.append(bytes) }
      }
    }
    #expect(wrong == [])
  }

  @Test func `a bad byte is found at every offset of a long text`() {
    for count in [1, 31, 32, 33, 63, 64, 65, 100] {
      for index in 0..<count {
        var bytes = [UInt8](repeating: 0x61, count: count)
        bytes[index] = 0xFF
        #expect(!Self.isValid(bytes), "\(index) of \(count)")
      }
    }
  }

  @Test func `a character that breaks off is found at every offset of a long text`() {
    for count in [32, 64, 96, 100] {
      for index in 0..<count - 1 {
        var bytes = [UInt8](repeating: 0x61, count: count)
        bytes[index] = 0xC3
        var validator = UTF8Validator()
        #expect(!bytes.withUnsafeBytes { validator.validate($0) }, "\(index) of \(count)")
      }
    }
  }

  @Test func `a text may be cut anywhere`() {
    let text = [UInt8](String(repeating: "plain text of some length, then αβ€𝄞𝄞€βα", count: 3).utf8)
    for cut in 0...text.count {
      var validator = UTF8Validator()
      #expect(text[..<cut].withUnsafeBytes { validator.validate($0) }, "cut at \(cut)")
      #expect(validator.isComplete == ReferenceDecoder.isText([UInt8](text[..<cut])), "cut at \(cut)")
      #expect(text[cut...].withUnsafeBytes { validator.validate($0) } && validator.isComplete, "cut at \(cut)")
    }
  }

  @Test func `what was refused stays refused`() {
    var validator = UTF8Validator()
    for bytes in [[0xFF], [], [UInt8](repeating: 0x61, count: 40)] as [[UInt8]] {
      #expect(!bytes.withUnsafeBytes { validator.validate($0) })
    }
    #expect(!validator.isComplete)
  }

  @Test func `nothing is valid`() {
    #expect(UTF8Validator.isValid(UnsafeRawBufferPointer(start: nil, count: 0)))
  }
}
