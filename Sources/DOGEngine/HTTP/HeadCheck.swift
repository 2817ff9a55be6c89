/// What RFC 9112 demands of a request's headers and llhttp does not: one Host, and no doubt about where the body ends.
/// Also what Connection says, which llhttp overlooks if a tab follows it.
struct HeadCheck {
  private(set) var connectionClose = false
  private(set) var connectionKeepAlive = false
  private(set) var framing = RequestHead.Framing.none
  private(set) var expectsContinue = false

  init(
    _ head: UnsafeRawBufferPointer, headers: UnsafeBufferPointer<RequestHead.Header>, contentLength: UInt64?,
    isHTTP11: Bool
  ) throws(RequestFault) {
    var hosts = 0
    var codings: UnsafeRawBufferPointer?
    for header in headers {
      let name = HeadCheck.slice(head, header.nameStart, header.nameCount)
      let value = HeadCheck.slice(head, header.valueStart, header.valueCount)
      switch name.count {
      case 4 where HeaderName.areEqual(name, "Host"):
        hosts += 1
        // An empty Host is for schemes without hosts, which are not served here (section 3.3).
        guard !value.isEmpty, Authority.isValid(value) else { throw RequestFault(400, "Host is malformed") }
      case 6 where HeaderName.areEqual(name, "Expect") && isHTTP11:
        guard HeaderName.areEqual(value, "100-continue") else {
          throw RequestFault(417, "only 100-continue can be expected")
        }
        expectsContinue = true
      case 10 where HeaderName.areEqual(name, "Connection"): readConnection(value)
      case 17 where HeaderName.areEqual(name, "Transfer-Encoding"):
        // Several headers would be one list, in which chunked may stand once and last. No list of two is served here
        // anyway.
        guard codings == nil else { throw RequestFault(400, "more than one Transfer-Encoding") }
        codings = value
      default: break
      }
    }
    // RFC 9112, section 3.2: "A server MUST respond with a 400 status code to any HTTP/1.1 request message that lacks
    // a Host header field and to any request message that contains more than one Host header field line".
    guard hosts <= 1 else { throw RequestFault(400, "more than one Host") }
    guard hosts == 1 || !isHTTP11 else { throw RequestFault(400, "Host is missing") }

    if let codings {
      // Section 6.1: both, or Transfer-Encoding in HTTP/1.0, is how requests are smuggled past a proxy.
      guard contentLength == nil else { throw RequestFault(400, "both Transfer-Encoding and Content-Length") }
      guard isHTTP11 else { throw RequestFault(400, "Transfer-Encoding in HTTP/1.0") }
      try HeadCheck.checkCodings(codings)
      framing = .chunked
    } else if let length = contentLength, length > 0 {
      // Int.max stands for any length above it: a limit on bodies is always lower.
      framing = .length(Int(clamping: length))
    }
  }

  private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
    var rest = value[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
      let option = HeaderName.trimmed(UnsafeRawBufferPointer(rebasing: rest[..<end]))
      if HeaderName.areEqual(option, "close") { connectionClose = true }
      if HeaderName.areEqual(option, "keep-alive") { connectionKeepAlive = true }
      rest = rest[end...].dropFirst()
    }
  }

  /// "chunked" and nothing else. Section 6.1: an unknown coding before it SHOULD be answered 501; section 6.3: a list
  /// that does not end with chunked MUST be answered 400.
  private static func checkCodings(_ value: UnsafeRawBufferPointer) throws(RequestFault) {
    if HeaderName.areEqual(value, "chunked") { return }
    var last: UnsafeRawBufferPointer?
    for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      // Empty elements are legal in lists and read differently by different parsers.
      let coding = HeaderName.trimmed(UnsafeRawBufferPointer(rebasing: part))
      guard coding.count > 0, last.map({ !HeaderName.areEqual($0, "chunked") }) ?? true else {
        throw RequestFault(400, "Transfer-Encoding is malformed")
      }
      last = coding
    }
    guard let last, HeaderName.areEqual(last, "chunked") else {
      throw RequestFault(400, "Transfer-Encoding does not end with chunked")
    }
    throw RequestFault(501, "the transfer coding is not known here")
  }

  private static func slice(
    _ head: UnsafeRawBufferPointer, _ start: UInt32, _ count: UInt32
  ) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: head[Int(start)..<(Int(start) + Int(count))])
  }
}
