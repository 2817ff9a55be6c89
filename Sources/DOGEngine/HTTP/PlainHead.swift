/// The most frequent heads, read in one pass over their bytes: GET or HEAD of a path in HTTP/1.1, with headers that say
/// nothing about a body. `HeadScanner` and llhttp, which read every other head, take three times as long for them.
///
/// It takes only what leaves nothing to doubt: each header is a name made of token bytes, directly followed by a colon,
/// and a value without control characters. All that is unusual is for the others to judge, faults and limits too. They
/// also read what comes in parts, so that the tests and the fuzzers, which cut each input anywhere, hold both against
/// one another.
struct PlainHead {
  typealias Header = RequestHead.Header

  /// One with more headers is not plain.
  static var headersMax: Int { 32 }

  /// What is in front of the target: "GET " or "HEAD ".
  private let methodCount: Int
  private let targetCount: Int
  /// Where the query begins in the target, behind its '?'; nil: it has none.
  private let queryStart: Int?
  let headerCount: Int
  /// With the empty line at its end.
  let byteCount: Int

  /// Nil: it is not plain, or has not come whole. `rows` is filled with where its headers lie.
  init?(_ bytes: UnsafeRawBufferPointer, _ limits: RequestParser.Limits, into rows: UnsafeMutableBufferPointer<Header>)
  {
    guard let methodCount = PlainHead.methodCount(bytes) else { return nil }
    var offset = methodCount + 1
    guard let target = PlainHead.readTarget(bytes, &offset), target.count <= limits.targetBytesMax else { return nil }
    let rowsMax = min(rows.count, limits.headerCountMax)
    var row = 0
    while offset &+ 1 < bytes.count, bytes[offset] != UInt8(ascii: "\r") {
      guard row < rowsMax, let header = PlainHead.readLine(bytes, &offset) else { return nil }
      rows[row] = header
      row &+= 1
    }
    guard offset &+ 1 < bytes.count, bytes[offset &+ 1] == UInt8(ascii: "\n") else { return nil }
    self.methodCount = methodCount
    targetCount = target.count
    queryStart = target.queryStart
    headerCount = row
    byteCount = offset &+ 2
  }

  // MARK: What it says

  var isHEAD: Bool { methodCount == 4 }
  var method: RequestHead.Span { RequestHead.Span(start: 0, count: methodCount) }
  var target: RequestHead.Span { RequestHead.Span(start: methodCount + 1, count: targetCount) }
  var path: RequestHead.Span {
    RequestHead.Span(start: methodCount + 1, count: queryStart.map { $0 - 1 } ?? targetCount)
  }
  var query: RequestHead.Span {
    queryStart.map { RequestHead.Span(start: methodCount + 1 + $0, count: targetCount - $0) } ?? RequestHead.Span()
  }

  // MARK: Reading

  private static func methodCount(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count > 8 else { return nil }
    // "GET " and "HEAD", the first byte lowest.
    return switch UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) {
    case 0x2054_4547: 3
    case 0x4441_4548 where bytes[4] == UInt8(ascii: " "): 4
    default: nil
    }
  }

  /// A path, perhaps with a query, and the end of the line behind it.
  @inline(__always)
  private static func readTarget(
    _ bytes: UnsafeRawBufferPointer, _ offset: inout Int
  ) -> (count: Int, queryStart: Int?)? {
    let start = offset
    guard bytes[start] == UInt8(ascii: "/") else { return nil }
    var queryStart: Int?
    while offset < bytes.count, HeadScanner.isTargetByte(bytes[offset]) {
      if queryStart == nil {
        switch bytes[offset] {
        case UInt8(ascii: "?"): queryStart = offset &- start &+ 1
        case UInt8(ascii: "\\"): return nil
        default: break
        }
      }
      offset &+= 1
    }
    let end = offset
    offset &+= 11
    guard offset <= bytes.count, bytes[end] == UInt8(ascii: " "),
      bytes.loadUnaligned(fromByteOffset: end &+ 1, as: UInt64.self) == UInt64(littleEndian: HeadScanner.http11),
      bytes[end &+ 9] == UInt8(ascii: "\r"), bytes[end &+ 10] == UInt8(ascii: "\n")
    else { return nil }
    return (end &- start, queryStart)
  }

  @inline(__always)
  private static func readLine(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Header? {
    let nameStart = offset
    while offset < bytes.count, ASCII.isTokenByte(bytes[offset]) { offset &+= 1 }
    let nameEnd = offset
    guard nameEnd > nameStart, nameEnd < bytes.count, bytes[nameEnd] == UInt8(ascii: ":"),
      !isForLLHTTP(UnsafeRawBufferPointer(rebasing: bytes[nameStart..<nameEnd]))
    else { return nil }
    offset &+= 1
    while offset < bytes.count, bytes[offset] == UInt8(ascii: " ") { offset &+= 1 }
    let valueStart = offset
    guard var valueEnd = ASCII.firstControl(in: bytes, from: valueStart), valueEnd &+ 1 < bytes.count,
      bytes[valueEnd] == UInt8(ascii: "\r"), bytes[valueEnd &+ 1] == UInt8(ascii: "\n")
    else { return nil }
    offset = valueEnd &+ 2
    while valueEnd > valueStart, bytes[valueEnd &- 1] == UInt8(ascii: " ") { valueEnd &-= 1 }
    return Header(
      nameStart: UInt32(truncatingIfNeeded: nameStart), nameCount: UInt32(truncatingIfNeeded: nameEnd &- nameStart),
      valueStart: UInt32(truncatingIfNeeded: valueStart),
      valueCount: UInt32(truncatingIfNeeded: valueEnd &- valueStart))
  }

  /// Headers that llhttp takes for more than text.
  private static func isForLLHTTP(_ name: UnsafeRawBufferPointer) -> Bool {
    switch name.count {
    case 7: HeaderName.areEqual(name, "upgrade")
    case 14: HeaderName.areEqual(name, "content-length")
    case 16: HeaderName.areEqual(name, "proxy-connection")
    case 17: HeaderName.areEqual(name, "transfer-encoding")
    default: false
    }
  }
}
