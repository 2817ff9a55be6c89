/// How the client of a streamed response learns where it ends (RFC 9112, section 6.3).
enum StreamFraming: Equatable {
  /// By its last chunk.
  case chunked
  /// By the end of the connection: HTTP/1.0 knows no chunks.
  case untilClose
  /// By its head: it answers HEAD, or its status has no content. What a host writes is thrown away.
  case headOnly

  init(status: Int, isHEAD: Bool, isHTTP11: Bool) {
    if isHEAD || !HTTPStatus.hasContent(status) {
      self = .headOnly
    } else {
      self = isHTTP11 ? .chunked : .untilClose
    }
  }

  /// The most that a chunk's size and its line ends take: sixteen digits and two CRLFs.
  static var overheadMax: Int { 20 }

  /// The size of `count` bytes of content with their framing.
  func size(of count: Int) -> Int {
    switch self {
    case .chunked: count == 0 ? 0 : StreamFraming.digits(count) + 2 + count + 2
    case .untilClose: count
    case .headOnly: 0
    }
  }

  /// Writes `content` and its framing to `target`, where `size(of:)` bytes are free. Empty content writes nothing: an
  /// empty chunk would be the last.
  func write(_ content: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
    guard let source = content.baseAddress, !content.isEmpty else { return }
    switch self {
    case .headOnly: break
    case .untilClose: target.copyMemory(from: source, byteCount: content.count)
    case .chunked:
      let digits = StreamFraming.digits(content.count)
      for place in 0..<digits {
        let digit = UInt8(truncatingIfNeeded: content.count >> (4 * (digits - 1 - place)) & 0xf)
        target.storeBytes(
          of: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10, toByteOffset: place,
          as: UInt8.self)
      }
      let line = StaticString("\r\n").bytes
      UnsafeMutableRawBufferPointer(start: target + digits, count: 2).copyMemory(from: line)
      (target + digits + 2).copyMemory(from: source, byteCount: content.count)
      UnsafeMutableRawBufferPointer(start: target + digits + 2 + content.count, count: 2).copyMemory(from: line)
    }
  }

  /// What follows the last content.
  var end: StaticString { self == .chunked ? "0\r\n\r\n" : "" }

  /// In hexadecimal.
  private static func digits(_ count: Int) -> Int { max(1, (Int.bitWidth - count.leadingZeroBitCount + 3) / 4) }
}
