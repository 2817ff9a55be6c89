/// Makes requests of the bytes of one HTTP connection (RFC 9112). Pure: no I/O and no clock; the result does not depend
/// on how the network split the bytes.
///
/// Between two requests it holds no buffer. A head that comes in one piece is copied once, to where it stays; one that
/// comes in parts is gathered first. A request that leaves any doubt about where it ends is refused, and the
/// connection with it.
struct RequestParser {
  struct Limits: Sendable {
    var targetBytesMax: Int
    /// Request line and headers; also the trailers and extensions of a chunked body.
    var headerBytesMax: Int
    var headerCountMax: Int
    var bodyBytesMax: Int
  }

  enum Event {
    /// All input was read; `phase` tells what is awaited.
    case needMore
    /// A whole request, its body included. What follows stays in the input: more requests, or what comes after an
    /// upgrade.
    case request(HTTPRequest)
    /// The head is there and the client asks before it sends the body: write "HTTP/1.1 100 Continue" and go on.
    case continueExpected
    /// To be answered with this status, and then the connection is to be closed. Every call from now on says the same.
    case invalid(status: Int, StaticString)
  }

  enum Phase {
    /// Nothing of the next request has come.
    case idle
    case head
    case body
  }

  /// RFC 9112, section 2.2: empty lines before a request are to be ignored, "at least one".
  private static let emptyLinesMax = 4

  private let limits: Limits
  /// The client's address, for the requests to come.
  var remote: KeptBytes
  var clientSubject: String?
  /// Set if the peer may tell which client a request is from.
  var forwarding: ForwardedFor?
  private var emptyLines = 0
  /// The beginning of a head, when its end has not come.
  private var partialHead: PartialHead?
  /// The request whose body has not come whole.
  private var pendingBody: PendingBody?
  private var fault: RequestFault?
  /// The request that was refused began as a HEAD request.
  private var refusedHEAD = false

  init(limits: Limits, remote: String = "") {
    // The table of headers counts in 32 bits.
    let bytesMax = Int(Int32.max)
    self.limits = Limits(
      targetBytesMax: max(0, min(limits.targetBytesMax, bytesMax)),
      headerBytesMax: max(0, min(limits.headerBytesMax, bytesMax)),
      headerCountMax: max(0, limits.headerCountMax), bodyBytesMax: max(0, limits.bodyBytesMax))
    self.remote = KeptBytes(copying: remote.utf8)
  }

  var phase: Phase {
    if pendingBody != nil { return .body }
    // Half an empty line does not begin a request: a client gains no time by many of them.
    return partialHead.map { $0.isLoneReturn ? .idle : .head } ?? .idle
  }

  /// True if the request that is refused, or that times out, is a HEAD request: no answer to it has a body.
  var refusesHEAD: Bool {
    if fault != nil { return refusedHEAD }
    return pendingBody?.isHEAD ?? partialHead?.isHEAD ?? false
  }

  /// What the beginning of the next request holds in memory.
  var bytesHeld: Int { pendingBody?.bytesHeld ?? partialHead?.bytesHeld ?? 0 }

  /// Frees it: nothing more is read.
  mutating func abandon() {
    pendingBody = nil
    partialHead = nil
  }

  /// Reads on. The input is advanced past what was read.
  mutating func next(_ input: inout UnsafeRawBufferPointer) -> Event {
    do throws(RequestFault) {
      if let fault { throw fault }
      if let pendingBody { return try readBody(pendingBody, &input) }
      guard skipEmptyLines(&input) else { throw RequestFault(400, "the request line is malformed") }
      guard let head = try readHead(&input) else { return .needMore }
      emptyLines = 0
      return try begin(head, &input)
    } catch {
      // A head that came whole was not gathered: it is still in the input.
      if fault == nil { refusedHEAD = pendingBody?.isHEAD ?? (partialHead?.bytes ?? input).beginsHEAD }
      fault = error
      partialHead = nil
      pendingBody = nil
      return .invalid(status: error.status, error.text)
    }
  }

  // MARK: - The head

  /// False when there were too many, or half of one. A CR whose LF has not come waits as the beginning of a head.
  private mutating func skipEmptyLines(_ input: inout UnsafeRawBufferPointer) -> Bool {
    if let partial = partialHead, partial.isLoneReturn, let byte = input.first {
      guard byte == UInt8(ascii: "\n") else { return false }
      partialHead = nil
      emptyLines += 1
      input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    }
    guard partialHead == nil else { return true }
    while input.count >= 2, input[0] == UInt8(ascii: "\r"), input[1] == UInt8(ascii: "\n") {
      emptyLines += 1
      input = UnsafeRawBufferPointer(rebasing: input.dropFirst(2))
    }
    return emptyLines <= RequestParser.emptyLinesMax
  }

  /// Nil when its end has not come.
  private mutating func readHead(_ input: inout UnsafeRawBufferPointer) throws(RequestFault) -> RequestHead? {
    guard input.count > 0 else { return nil }
    if let partialHead { return try readOn(partialHead, &input) }
    if let head = try RequestHead.readPlain(&input, limits) { return head }
    let window = UnsafeRawBufferPointer(rebasing: input.prefix(limits.headerBytesMax))
    if window.count == 1, window[0] == UInt8(ascii: "\r") {
      partialHead = PartialHead(scanner: makeScanner())
      partialHead?.append(&input, upTo: 1)
      return nil
    }
    var scanner = makeScanner()
    switch scanner.scan(window) {
    case .complete(let byteCount):
      let head = try RequestHead.read(UnsafeRawBufferPointer(rebasing: window[..<byteCount]), scanner: scanner)
      input = UnsafeRawBufferPointer(rebasing: input[byteCount...])
      return head
    case .needMore:
      try checkSize(window.count)
      let partial = PartialHead(scanner: scanner)
      partial.append(&input, upTo: limits.headerBytesMax)
      partialHead = partial
      return nil
    case .invalid(let fault):
      throw fault
    }
  }

  private mutating func readOn(
    _ partial: PartialHead, _ input: inout UnsafeRawBufferPointer
  ) throws(RequestFault) -> RequestHead? {
    let before = partial.bytes.count
    var rest = input
    partial.append(&rest, upTo: limits.headerBytesMax)
    switch partial.scan() {
    case .complete(let byteCount):
      let head = try RequestHead.read(
        UnsafeRawBufferPointer(rebasing: partial.bytes[..<byteCount]), scanner: partial.scanner)
      // More than the head was gathered, perhaps: the rest of it is still in the input.
      input = UnsafeRawBufferPointer(rebasing: input[(byteCount - before)...])
      partialHead = nil
      return head
    case .needMore:
      try checkSize(partial.bytes.count)
      input = rest
      return nil
    case .invalid(let fault):
      throw fault
    }
  }

  /// A head of which `count` bytes have come without its end has at least one more.
  private func checkSize(_ count: Int) throws(RequestFault) {
    guard count < limits.headerBytesMax else { throw RequestFault(431, "the headers are too large") }
  }

  private func makeScanner() -> HeadScanner {
    HeadScanner(targetBytesMax: limits.targetBytesMax, headerCountMax: limits.headerCountMax)
  }

  // MARK: - The body

  private mutating func begin(
    _ head: consuming RequestHead, _ input: inout UnsafeRawBufferPointer
  ) throws(RequestFault) -> Event {
    switch head.content.framing {
    case .none:
      return .request(
        HTTPRequest(
          head: head, body: BodyBuffer(), remote: remote, clientSubject: clientSubject, forwarding: forwarding))
    case .length, .chunked: break
    }
    let expectsContinue = head.content.expectsContinue
    let pending = PendingBody(head: head, limits: limits)
    pendingBody = pending
    guard pending.bodyBytesMax <= limits.bodyBytesMax else { throw RequestFault(413, "the body is too large") }
    return expectsContinue ? .continueExpected : try readBody(pending, &input)
  }

  private mutating func readBody(
    _ pending: PendingBody, _ input: inout UnsafeRawBufferPointer
  ) throws(RequestFault) -> Event {
    guard try pending.read(&input) else { return .needMore }
    pendingBody = nil
    return .request(pending.finish(remote: remote, clientSubject: clientSubject, forwarding: forwarding))
  }
}
