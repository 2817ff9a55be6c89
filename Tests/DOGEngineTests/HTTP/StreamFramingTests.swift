import Testing

@testable import DOGEngine

@Suite struct StreamFramingTests {
  private func framed(_ content: String, _ framing: StreamFraming) -> String {
    var bytes = [UInt8](repeating: UInt8(ascii: "?"), count: framing.size(of: content.utf8.count))
    content.with { content in
      bytes.withUnsafeMutableBytes { target in if let base = target.baseAddress { framing.write(content, to: base) } }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(arguments: [1, 2, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65_535, 65_536, 1_000_000])
  func `a chunk says its size in hexadecimal`(_ count: Int) {
    let content = String(repeating: "x", count: count)
    #expect(framed(content, .chunked) == "\(String(count, radix: 16))\r\n\(content)\r\n")
    #expect(StreamFraming.chunked.size(of: count) <= count + StreamFraming.overheadMax)
    #expect(framed(content, .untilClose) == content)
    #expect(framed(content, .headOnly) == "")
  }

  @Test func `nothing is no chunk, for that would be the last`() {
    #expect(framed("", .chunked) == "")
    #expect(StreamFraming.chunked.end.bytes.elementsEqual("0\r\n\r\n".utf8))
    #expect(StreamFraming.untilClose.end.bytes.isEmpty && StreamFraming.headOnly.end.bytes.isEmpty)
  }

  @Test(arguments: [
    (200, false, true, StreamFraming.chunked), (200, false, false, .untilClose), (200, true, true, .headOnly),
    (200, true, false, .headOnly), (204, false, true, .headOnly), (205, false, true, .headOnly),
    (304, false, false, .headOnly), (500, false, true, .chunked),
  ])
  func `the request and the status say how it ends`(
    _ status: Int, _ isHEAD: Bool, _ isHTTP11: Bool, _ framing: StreamFraming
  ) {
    #expect(StreamFraming(status: status, isHEAD: isHEAD, isHTTP11: isHTTP11) == framing)
  }
}
