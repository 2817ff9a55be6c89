/// The head of a request as it came, in one allocation: first a table that says where each header lies, then the bytes
/// of the head from the method to the empty line. Nothing moves as long as it lives, so pointers into it may be handed
/// out.
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

  /// A stretch of the head.
  struct Span {
    var start = 0
    var count = 0
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
    let isHTTP11: Bool
    /// Whether the connection may serve another request after this one (RFC 9112, section 9.3).
    let keepAlive: Bool
    let framing: Framing
    /// The client waits for "100 Continue" before it sends the body.
    let expectsContinue: Bool
  }

  let content: Content
  let headerCount: Int
  /// What it takes in memory.
  let byteCount: Int
  private let storage: UnsafeMutableRawPointer
  private let bytes: UnsafeRawPointer

  /// Reads a whole head that `scanner` has found well formed: `source` ends with its empty line.
  static func read(
    _ source: UnsafeRawBufferPointer, scanner: HeadScanner
  ) throws(RequestFault) -> RequestHead {
    let tableSize = scanner.headerCount * MemoryLayout<Header>.stride
    let storage = UnsafeMutableRawPointer.allocate(
      byteCount: tableSize + source.count, alignment: MemoryLayout<Header>.alignment)
    let head = UnsafeMutableRawBufferPointer(start: storage + tableSize, count: source.count)
    head.copyMemory(from: source)
    if scanner.hasTab { blankTrailingTabs(head) }
    let table = UnsafeMutableBufferPointer(
      start: storage.bindMemory(to: Header.self, capacity: scanner.headerCount), count: scanner.headerCount)
    do throws(RequestFault) {
      let content = try Content(UnsafeRawBufferPointer(head), table, scanner)
      return RequestHead(
        content: content, headerCount: table.count, byteCount: tableSize + source.count, storage: storage,
        bytes: storage + tableSize)
    } catch {
      storage.deallocate()
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

  private init(
    content: Content, headerCount: Int, byteCount: Int, storage: UnsafeMutableRawPointer, bytes: UnsafeRawPointer
  ) {
    self.content = content
    self.headerCount = headerCount
    self.byteCount = byteCount
    self.storage = storage
    self.bytes = bytes
  }

  deinit { storage.deallocate() }

  subscript(span: Span) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + span.start, count: span.count)
  }

  var isHEAD: Bool { self[content.method].elementsEqual(StaticString("HEAD").bytes) }

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
    return storage.load(fromByteOffset: index * MemoryLayout<Header>.stride, as: Header.self)
  }
}

extension RequestHead.Content {
  /// Fills the table and puts the parts together.
  fileprivate init(
    _ head: UnsafeRawBufferPointer, _ table: UnsafeMutableBufferPointer<RequestHead.Header>, _ scanner: HeadScanner
  ) throws(RequestFault) {
    let reading = try LLHTTPReading.read(head, into: table)
    let check = try HeadCheck(
      head, headers: UnsafeBufferPointer(table), reading: reading, isHTTP11: scanner.isHTTP11)
    method = RequestHead.Span(start: 0, count: scanner.methodEnd)
    target = RequestHead.Span(start: scanner.methodEnd + 1, count: scanner.targetEnd - scanner.methodEnd - 1)
    let form = try TargetForm(head, target: target, method: method)
    path = form.path
    query = form.query
    authority = form.authority
    isHTTP11 = scanner.isHTTP11
    keepAlive = !check.connectionClose && (scanner.isHTTP11 || check.connectionKeepAlive)
    framing = check.framing
    expectsContinue = check.expectsContinue && check.framing != .none
  }
}
