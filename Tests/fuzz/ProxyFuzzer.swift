@testable import DOGEngine

/// The PROXY header of a connection: the same however it is cut, with what follows it left where it is; a source that
/// reads back as itself; and never more bytes kept than a header may have.
enum ProxyFuzzer: Fuzzer {
  static let name = "proxy"
  static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

  static var seeds: [[UInt8]] {
    let v4: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xBB]
    let v6 = [UInt8](repeating: 0x20, count: 32) + [0x30, 0x39, 0x01, 0xBB]
    return [
      "PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\nGET", "PROXY TCP6 2001:db8::1 ::1 12345 443\r\n", "PROXY UNKNOWN\r\n",
      "PROXY TCP6 ::ffff:192.0.2.1 ::1 0 65535\r\n", "PROXY UNKNOWN ffff:f...f:ffff 65535\r\n",
      "PROXY TCP4 1 2 3 4\r\n",
    ].map { Array($0.utf8) } + [
      signature + [0x21, 0x11, 0, 12] + v4, signature + [0x21, 0x21, 0, 36] + v6, signature + [0x20, 0, 0, 0, 0x47],
      signature + [0x21, 0x11, 0, 17] + v4 + [4, 0, 2, 1, 2],
      signature + [0x21, 0x31, 0, 216]
        + [UInt8](repeating: 0, count: 216), signature + [0x21, 0x11, 0xFF, 0xFF] + v4,
      signature + [0x22, 0x11, 0, 12],
    ]
  }

  private struct Outcome: Equatable {
    var step = ProxyHeader.Step.needMore
    /// How many bytes follow the header; 0 where it is not done.
    var rest = 0
  }

  static func run(_ input: [UInt8]) {
    let whole = read(input, cutAt: [])
    for cuts in Cuts.of(input) {
      let parts = read(input, cutAt: cuts)
      expect(parts == whole, "cut at \(cuts): \(parts), whole: \(whole)")
    }
    if case .needMore = whole.step { expect(input.count < 16 + ProxyHeader.blockBytesMax, "gathers without an end") }
    guard case .done(let address) = whole.step else { return }
    let isLine = input.first == 0x50
    expect(input.count - whole.rest <= (isLine ? ProxyHeader.lineBytesMax : 16 + ProxyHeader.blockBytesMax), "its size")
    guard case .ip(let ip, let port?) = address else { return }
    // As a line it says the same.
    let text = ip.description
    expect(IPAddress(text: Array(text.utf8)) == ip, "\(text) is another address")
    let line = "PROXY TCP\(ip.isV4 && !text.contains(":") ? 4 : 6) \(text) \(text) \(port) 1\r\n"
    expect(read(Array(line.utf8), cutAt: []) == Outcome(step: .done(address), rest: 0), "written again: \(line)")
    let listed = "\(ClientAddress.ip(ip, port: port))"
    let parsed = listed.utf8.withContiguousStorageIfAvailable { ForwardedFor.parse(UnsafeRawBufferPointer($0)) }
    expect(parsed == .some(address), "\(listed) is read as \(String(describing: parsed))")
  }

  private static func read(_ input: [UInt8], cutAt cuts: [Int]) -> Outcome {
    var header = ProxyHeader()
    var outcome = Outcome()
    Cuts.forEachPiece(input, at: cuts) { piece in
      if case .done = outcome.step { outcome.rest += piece.count }
      guard case .needMore = outcome.step else { return }
      var bytes = UnsafeRawBufferPointer(piece)
      outcome.step = header.next(&bytes)
      if case .done = outcome.step { outcome.rest = bytes.count }
      if case .needMore = outcome.step { expect(bytes.isEmpty, "more is needed, and bytes are left") }
    }
    return outcome
  }
}
