import CLLHTTP

/// One run of llhttp over a whole head: fills the table of headers and keeps what llhttp found out.
struct LLHTTPReading {
  private let base: UnsafePointer<CChar>
  private let table: UnsafeMutableBufferPointer<RequestHead.Header>
  private var headerCount = 0
  /// llhttp reported a header that has no row in the table, or one without a name.
  private var isMalformed = false

  /// The value of Content-Length, if there was one.
  private(set) var contentLength: UInt64?

  private init(base: UnsafePointer<CChar>, table: UnsafeMutableBufferPointer<RequestHead.Header>) {
    self.base = base
    self.table = table
  }

  /// `head` is a whole head in which every line ends with CRLF and the request line is well formed; `table` has a row
  /// for each of its lines but the first.
  static func read(
    _ head: UnsafeRawBufferPointer, into table: UnsafeMutableBufferPointer<RequestHead.Header>
  ) throws(RequestFault) -> LLHTTPReading {
    guard let base = head.baseAddress?.assumingMemoryBound(to: CChar.self) else {
      throw RequestFault(400, "the request line is malformed")
    }
    var reading = LLHTTPReading(base: base, table: table)
    var parser = llhttp_t()
    let code = withUnsafeMutablePointer(to: &reading) { reading in
      llhttp_init(&parser, HTTP_REQUEST, settings)
      parser.data = UnsafeMutableRawPointer(reading)
      return llhttp_execute(&parser, base, head.count)
    }
    // on_headers_complete pauses it: anything else is an error, or a head that llhttp believes unfinished.
    guard code == HPE_PAUSED else { throw fault(code, flags: UInt32(parser.flags)) }
    // As many headers as lines: a line that llhttp took for the continuation of the one before (obs-fold) has no
    // header.
    guard !reading.isMalformed, reading.headerCount == table.count else {
      throw RequestFault(400, "a header is malformed")
    }
    if UInt32(parser.flags) & F_CONTENT_LENGTH.rawValue != 0 { reading.contentLength = parser.content_length }
    return reading
  }

  /// The request line and the version were checked before. So llhttp can refuse only the method in them: a token that
  /// it does not know, or knows from another protocol (RTSP, the preface of HTTP/2).
  private static func fault(_ code: llhttp_errno_t, flags: UInt32) -> RequestFault {
    switch code {
    // Version 9 refuses the second of the two headers when it comes to it.
    case HPE_INVALID_TRANSFER_ENCODING where flags & F_CONTENT_LENGTH.rawValue != 0,
      HPE_UNEXPECTED_CONTENT_LENGTH where flags & F_TRANSFER_ENCODING.rawValue != 0:
      RequestFault(400, "both Transfer-Encoding and Content-Length")
    case HPE_INVALID_METHOD, HPE_INVALID_CONSTANT, HPE_INVALID_VERSION, HPE_PAUSED_H2_UPGRADE:
      RequestFault(501, "the method is not known here")
    case HPE_INVALID_URL: RequestFault(400, "the request target is malformed")
    case HPE_INVALID_CONTENT_LENGTH, HPE_UNEXPECTED_CONTENT_LENGTH: RequestFault(400, "Content-Length is malformed")
    case HPE_INVALID_TRANSFER_ENCODING: RequestFault(400, "Transfer-Encoding is malformed")
    default: RequestFault(400, "a header is malformed")
    }
  }

  private mutating func nameCame(_ start: UnsafePointer<CChar>, _ count: Int) {
    guard headerCount < table.count, count > 0 else {
      isMalformed = true
      return
    }
    let offset = UInt32(truncatingIfNeeded: start - base)
    let nameCount = UInt32(truncatingIfNeeded: count)
    table[headerCount] = RequestHead.Header(
      nameStart: offset, nameCount: nameCount, valueStart: offset &+ nameCount, valueCount: 0)
    headerCount += 1
  }

  private mutating func valueCame(_ start: UnsafePointer<CChar>, _ count: Int) {
    guard headerCount > 0 else {
      isMalformed = true
      return
    }
    // llhttp leaves out the white space before a value, but not that after it.
    let value = HeaderName.trimmed(UnsafeRawBufferPointer(start: start, count: count))
    guard let first = value.baseAddress, value.count > 0 else { return }
    table[headerCount - 1].valueStart = UInt32(truncatingIfNeeded: first - UnsafeRawPointer(base))
    table[headerCount - 1].valueCount = UInt32(truncatingIfNeeded: value.count)
  }

  /// llhttp keeps the address, so it must stay valid.
  private nonisolated(unsafe) static let settings: UnsafeMutablePointer<llhttp_settings_t> = {
    let settings = UnsafeMutablePointer<llhttp_settings_t>.allocate(capacity: 1)
    llhttp_settings_init(settings)
    settings.pointee.on_header_field = { parser, start, count in
      LLHTTPReading.of(parser) { reading in
        if let start { reading.pointee.nameCame(start, count) }
      }
    }
    settings.pointee.on_header_value = { parser, start, count in
      LLHTTPReading.of(parser) { reading in
        if let start { reading.pointee.valueCame(start, count) }
      }
    }
    settings.pointee.on_headers_complete = { _ in Int32(HPE_PAUSED.rawValue) }
    return settings
  }()

  @inline(__always)
  private static func of(
    _ parser: UnsafeMutablePointer<llhttp_t>?, _ body: (UnsafeMutablePointer<LLHTTPReading>) -> Void
  ) -> Int32 {
    guard let reading = parser?.pointee.data else { return -1 }
    body(reading.assumingMemoryBound(to: LLHTTPReading.self))
    return 0
  }
}
