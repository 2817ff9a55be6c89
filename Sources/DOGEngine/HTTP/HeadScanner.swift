/// Finds the end of a request's head as its bytes come, and the first thing wrong with its shape.
///
/// DESIGN: llhttp reads what the head says, but only when the head is whole. Then it sees the same bytes however the
/// network cut them, and keeps no state between two reads, so an idle connection costs nothing. What must not wait for
/// the end is decided here, byte by byte: the limits, and the shape of lines. llhttp 8.1 lets some shapes through that
/// RFC 9112 calls faulty and that proxies disagree about, which is how requests are smuggled: a bare LF, more than one
/// space in the request line, HTTP/0.9, a fragment in the target. So lines end with CRLF here and nowhere else, and the
/// request line has the one form of RFC 9112, section 3.
struct HeadScanner {
  enum Outcome {
    case needMore
    case complete(byteCount: Int)
    case invalid(RequestFault)
  }

  /// Where the next byte to look at belongs.
  private enum Part { case method, target, version, lineFeed, headers }

  private let targetBytesMax: Int
  private let headerCountMax: Int
  private var part = Part.method
  /// Bytes that were looked at and need not be again.
  private var scanned = 0
  /// Where the present header line begins.
  private var lineStart = 0
  private(set) var headerCount = 0
  /// The offsets of the two spaces of the request line, once they were met; and whether it ended in "HTTP/1.1".
  private(set) var methodEnd = 0
  private(set) var targetEnd = 0
  private(set) var isHTTP11 = false
  /// A header line holds a tab.
  private(set) var hasTab = false

  init(targetBytesMax: Int, headerCountMax: Int) {
    self.targetBytesMax = targetBytesMax
    self.headerCountMax = headerCountMax
  }

  /// Looks at what is new in `bytes`, the head from its first byte on. After an outcome other than `needMore` it is
  /// done.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    do throws(RequestFault) {
      if part != .headers {
        guard try scanRequestLine(bytes) else { return .needMore }
      }
      guard try scanHeaders(bytes) else { return .needMore }
      return .complete(byteCount: scanned)
    } catch {
      return .invalid(error)
    }
  }

  /// True when the line is whole. Each part begins where the one before it has ended.
  private mutating func scanRequestLine(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> Bool {
    if part == .method { try scanMethod(bytes) }
    if part == .target { try scanTarget(bytes) }
    if part == .version { try scanVersion(bytes) }
    guard part == .lineFeed, scanned < bytes.count else { return false }
    guard bytes[scanned] == UInt8(ascii: "\n") else { throw RequestFault(400, "a line does not end with CRLF") }
    scanned += 1
    lineStart = scanned
    part = .headers
    return true
  }

  private mutating func scanMethod(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) {
    var offset = scanned
    while offset < bytes.count, ASCII.isTokenByte(bytes[offset]) { offset &+= 1 }
    scanned = offset
    guard offset < bytes.count else { return }
    guard bytes[offset] == UInt8(ascii: " "), offset > 0 else {
      throw RequestFault(400, "the request line is malformed")
    }
    methodEnd = offset
    scanned = offset + 1
    part = .target
  }

  private mutating func scanTarget(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) {
    // The byte behind the longest target may be its end, and nothing else.
    let last = methodEnd + targetBytesMax + 1
    let end = min(bytes.count, last)
    var offset = scanned
    while offset < end, HeadScanner.isTargetByte(bytes[offset]) { offset &+= 1 }
    scanned = offset
    guard offset < bytes.count else { return }
    guard bytes[offset] == UInt8(ascii: " ") else {
      throw HeadScanner.isTargetByte(bytes[offset])
        ? RequestFault(414, "the request target is too long") : RequestFault(400, "the request target is malformed")
    }
    guard offset > methodEnd + 1 else { throw RequestFault(400, "the request line is malformed") }
    targetEnd = offset
    scanned = offset + 1
    part = .version
  }

  private mutating func scanVersion(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) {
    while scanned < bytes.count {
      if bytes[scanned] == UInt8(ascii: "\r") {
        try readVersion(UnsafeRawBufferPointer(rebasing: bytes[(targetEnd + 1)..<scanned]))
        scanned += 1
        part = .lineFeed
        return
      }
      guard scanned - targetEnd <= 8 else { throw RequestFault(400, "the request line is malformed") }
      scanned += 1
    }
  }

  /// "HTTP/" DIGIT "." DIGIT, of which we speak 1.0 and 1.1.
  private mutating func readVersion(_ version: UnsafeRawBufferPointer) throws(RequestFault) {
    guard version.count == 8, version.starts(with: StaticString("HTTP/").bytes), version[6] == UInt8(ascii: "."),
      ASCII.isDigit(version[5]), ASCII.isDigit(version[7])
    else { throw RequestFault(400, "the request line is malformed") }
    guard version[5] == UInt8(ascii: "1"), version[7] <= UInt8(ascii: "1") else {
      throw RequestFault(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    }
    isHTTP11 = version[7] == UInt8(ascii: "1")
  }

  /// "HTTP/1.1", its first byte lowest.
  static var http11: UInt64 { 0x312e_312f_5054_5448 }

  /// True when the empty line was met.
  private mutating func scanHeaders(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> Bool {
    while let control = HeadScanner.firstControl(in: bytes, from: scanned) {
      switch bytes[control] {
      case UInt8(ascii: "\t"):
        hasTab = true
        scanned = control + 1
      case UInt8(ascii: "\r"):
        guard control + 1 < bytes.count else {
          scanned = control
          return false
        }
        guard bytes[control + 1] == UInt8(ascii: "\n") else { throw RequestFault(400, "a line does not end with CRLF") }
        scanned = control + 2
        if control == lineStart { return true }
        guard headerCount < headerCountMax else { throw RequestFault(431, "too many headers") }
        headerCount += 1
        lineStart = scanned
      case UInt8(ascii: "\n"):
        throw RequestFault(400, "a line does not end with CRLF")
      default:
        throw RequestFault(400, "a header holds a control character")
      }
    }
    scanned = bytes.count
    return false
  }

  /// The offset of the first byte below 0x20, eight bytes at a time.
  private static func firstControl(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var offset = start
    while offset &+ 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      // The subtraction sets the high bit of a byte below 0x20. Its borrow can falsely mark higher bytes, never lower
      // ones, so the lowest mark is right.
      let marks = (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
      if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < bytes.count {
      if bytes[offset] < 0x20 { return offset }
      offset &+= 1
    }
    return nil
  }

  /// What a target may be made of. RFC 3986 allows less, but browsers send `|`, `^`, `{`, `}` and backquotes as they
  /// are. No fragment: the client keeps that to itself.
  @inline(__always)
  static func isTargetByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"): return false
    default: return byte > 0x20 && byte < 0x7f
    }
  }
}
