import Glibc

/// The head of a request as it came, in one allocation: what it says, a table of where each header lies, and the bytes
/// from the method to the empty line. Nothing moves as long as it lives, so pointers into it may be handed out.
///
/// Immutable once it is made, hence Sendable.
struct RequestHead: ~Copyable, @unchecked Sendable {
  /// Where a header's name and value lie, counted from the head's first byte.
  struct Header {
    var nameStart: UInt32
    var nameCount: UInt32
    var valueStart: UInt32
    var valueCount: UInt32
  }

  /// How the end of the body is known (RFC 9112, section 6.3).
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  /// A stretch of the head. The parser's limits keep a head below 2 GiB.
  struct Span {
    private var first: UInt32
    private var size: UInt32

    init(start: Int = 0, count: Int = 0) {
      first = UInt32(truncatingIfNeeded: start)
      size = UInt32(truncatingIfNeeded: count)
    }

    var start: Int {
      get { Int(first) }
      set { first = UInt32(truncatingIfNeeded: newValue) }
    }
    var count: Int {
      get { Int(size) }
      set { size = UInt32(truncatingIfNeeded: newValue) }
    }
  }

  /// What the head says, beside its headers.
  struct Content {
    let method: Span
    let target: Span
    let path: Span
    /// What follows the target's first '?', or nothing.
    let query: Span
    /// Of a target in absolute-form; else nothing.
    let authority: Span
    let isHEAD: Bool
    let isHTTP11: Bool
    /// Whether the connection may serve another request after this one (RFC 9112, section 9.3).
    let keepAlive: Bool
    /// The client waits for "100 Continue" before it sends the body.
    let expectsContinue: Bool
    let framing: Framing
    fileprivate(set) var headerCount: Int
    /// What it takes in memory.
    fileprivate(set) var byteCount: Int
  }

  private let block: UnsafeMutableRawPointer

  /// Reads a whole head that `scanner` has found well formed: `source` ends with its empty line.
  static func read(_ source: UnsafeRawBufferPointer, scanner: HeadScanner) throws(RequestFault) -> RequestHead {
    try make(of: source, headerCount: scanner.headerCount) { (bytes, rows) throws(RequestFault) in
      if scanner.hasTab { blankTrailingTabs(bytes) }
      return try Content(UnsafeRawBufferPointer(bytes), rows, scanner)
    }
  }

  /// Reads a plain head at the beginning of `input`, which is advanced past it. Nil: there is none, or not all of it.
  static func readPlain(
    _ input: inout UnsafeRawBufferPointer, _ limits: RequestParser.Limits
  ) throws(RequestFault) -> RequestHead? {
    let window = UnsafeRawBufferPointer(rebasing: input.prefix(limits.headerBytesMax))
    var fault: RequestFault?
    var byteCount = 0
    let block = withUnsafeTemporaryAllocation(of: Header.self, capacity: PlainHead.headersMax) { rows in
      guard let plain = PlainHead(window, limits, into: rows) else { return nil as UnsafeMutableRawPointer? }
      byteCount = plain.byteCount
      do throws(RequestFault) {
        return try makeBlock(
          of: UnsafeRawBufferPointer(rebasing: window[..<byteCount]), headerCount: plain.headerCount
        ) { (bytes, table) throws(RequestFault) in
          _ = table.update(fromContentsOf: rows[..<plain.headerCount])
          return try Content(UnsafeRawBufferPointer(bytes), table, plain)
        }
      } catch {
        fault = error
        return nil
      }
    }
    if let fault { throw fault }
    guard let block else { return nil }
    input = UnsafeRawBufferPointer(rebasing: input[byteCount...])
    return RequestHead(block: block)
  }

  private static func make(
    of source: UnsafeRawBufferPointer, headerCount: Int,
    _ content: (UnsafeMutableRawBufferPointer, UnsafeMutableBufferPointer<Header>) throws(RequestFault) -> Content
  ) throws(RequestFault) -> RequestHead {
    RequestHead(block: try makeBlock(of: source, headerCount: headerCount, content))
  }

  /// `content` fills the table and says what is in the head.
  @inline(__always)
  private static func makeBlock(
    of source: UnsafeRawBufferPointer, headerCount: Int,
    _ content: (UnsafeMutableRawBufferPointer, UnsafeMutableBufferPointer<Header>) throws(RequestFault) -> Content
  ) throws(RequestFault) -> UnsafeMutableRawPointer {
    let tableEnd = MemoryLayout<Content>.stride + headerCount * MemoryLayout<Header>.stride
    let byteCount = tableEnd + source.count
    // Swift's own allocation asks for an alignment, which takes longer.
    guard let block = malloc(byteCount) else { throw RequestFault(503, "no memory for the request") }
    let bytes = UnsafeMutableRawBufferPointer(start: block + tableEnd, count: source.count)
    bytes.copyMemory(from: source)
    let table = UnsafeMutableBufferPointer(
      start: (block + MemoryLayout<Content>.stride).bindMemory(to: Header.self, capacity: headerCount),
      count: headerCount)
    do throws(RequestFault) {
      var made = try content(bytes, table)
      made.headerCount = headerCount
      made.byteCount = byteCount
      block.bindMemory(to: Content.self, capacity: 1).initialize(to: made)
      return block
    } catch {
      free(block)
      throw error
    }
  }

  /// Turns tabs in the white space at the end of a line into spaces. Both are the same there (RFC 9110, section 5.6.3:
  /// OWS), but llhttp knows only spaces behind the value of Content-Length.
  private static func blankTrailingTabs(_ head: UnsafeMutableRawBufferPointer) {
    var isTrailing = false
    for index in head.indices.reversed() {
      switch head[index] {
      case UInt8(ascii: "\r"): isTrailing = true
      case UInt8(ascii: "\t") where isTrailing: head[index] = UInt8(ascii: " ")
      case UInt8(ascii: " "): break
      default: isTrailing = false
      }
    }
  }

  private init(block: UnsafeMutableRawPointer) { self.block = block }

  deinit { free(block) }

  /// Behind its pointer, so that what is asked for is all that is read.
  private var inPlace: UnsafePointer<Content> { UnsafePointer(block.assumingMemoryBound(to: Content.self)) }

  var content: Content { inPlace.pointee }
  var headerCount: Int { inPlace.pointee.headerCount }
  var byteCount: Int { inPlace.pointee.byteCount }
  var isHEAD: Bool { inPlace.pointee.isHEAD }

  private var table: UnsafeRawPointer { UnsafeRawPointer(block) + MemoryLayout<Content>.stride }
  private var bytes: UnsafeRawPointer { table + headerCount * MemoryLayout<Header>.stride }

  subscript(span: Span) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + span.start, count: span.count)
  }

  /// `index` is below `headerCount`.
  func name(_ index: Int) -> UnsafeRawBufferPointer {
    let header = header(index)
    return UnsafeRawBufferPointer(start: bytes + Int(header.nameStart), count: Int(header.nameCount))
  }

  func value(_ index: Int) -> UnsafeRawBufferPointer {
    let header = header(index)
    return UnsafeRawBufferPointer(start: bytes + Int(header.valueStart), count: Int(header.valueCount))
  }

  private func header(_ index: Int) -> Header {
    precondition(index >= 0 && index < headerCount, "header \(index) of \(headerCount)")
    return table.load(fromByteOffset: index * MemoryLayout<Header>.stride, as: Header.self)
  }
}

extension RequestHead.Content {
  /// Fills the table and puts the parts together.
  fileprivate init(
    _ head: UnsafeRawBufferPointer, _ table: UnsafeMutableBufferPointer<RequestHead.Header>,
    _ scanner: HeadScanner
  ) throws(RequestFault) {
    let reading = try LLHTTPReading.read(head, into: table)
    let check = try HeadCheck(
      head, headers: UnsafeBufferPointer(table), contentLength: reading.contentLength, isHTTP11: scanner.isHTTP11)
    method = RequestHead.Span(start: 0, count: scanner.methodEnd)
    target = RequestHead.Span(start: scanner.methodEnd + 1, count: scanner.targetEnd - scanner.methodEnd - 1)
    let form = try TargetForm(head, target: target, method: method)
    path = form.path
    query = form.query
    authority = form.authority
    isHEAD = method.count == 4 && head.beginsHEAD
    isHTTP11 = scanner.isHTTP11
    keepAlive = !check.connectionClose && (scanner.isHTTP11 || check.connectionKeepAlive)
    framing = check.framing
    expectsContinue = check.expectsContinue && check.framing != .none
    headerCount = 0
    byteCount = 0
  }

  /// The same of a plain head, whose table is filled.
  fileprivate init(
    _ head: UnsafeRawBufferPointer, _ table: UnsafeMutableBufferPointer<RequestHead.Header>, _ plain: PlainHead
  ) throws(RequestFault) {
    let check = try HeadCheck(head, headers: UnsafeBufferPointer(table), contentLength: nil, isHTTP11: true)
    method = plain.method
    target = plain.target
    path = plain.path
    query = plain.query
    authority = RequestHead.Span()
    isHEAD = plain.isHEAD
    isHTTP11 = true
    keepAlive = !check.connectionClose
    framing = .none
    expectsContinue = false
    headerCount = 0
    byteCount = 0
  }
}
