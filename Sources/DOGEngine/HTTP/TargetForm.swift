/// Which of the forms of RFC 9112, section 3.2, a request target has, and where its path and query lie.
struct TargetForm {
  private(set) var path = RequestHead.Span()
  private(set) var query = RequestHead.Span()
  /// Of "http://authority/path"; nothing in the other forms.
  private(set) var authority = RequestHead.Span()

  init(_ head: UnsafeRawBufferPointer, target: RequestHead.Span, method: RequestHead.Span) throws(RequestFault) {
    let bytes = UnsafeRawBufferPointer(rebasing: head[target.start..<(target.start + target.count)])
    let method = UnsafeRawBufferPointer(rebasing: head[method.start..<(method.start + method.count)])
    // RFC 9110, section 15.6.2: 501 is for a method that no resource here supports. A tunnel has no path to route
    // either.
    guard method.count != 7 || !method.elementsEqual(StaticString("CONNECT").bytes) else {
      throw RequestFault(501, "there are no tunnels here")
    }
    if bytes.first == UInt8(ascii: "/") {
      path = RequestHead.Span(start: 0, count: bytes.count)
    } else if bytes.count == 1, bytes[0] == UInt8(ascii: "*") {
      guard method.elementsEqual(StaticString("OPTIONS").bytes) else {
        throw RequestFault(400, "the target * is for OPTIONS")
      }
      path = RequestHead.Span(start: 0, count: 1)
    } else {
      authority = try TargetForm.authority(of: bytes)
      path = RequestHead.Span(
        start: authority.start + authority.count, count: bytes.count - authority.start - authority.count)
    }
    if let mark = bytes[path.start...].firstIndex(of: UInt8(ascii: "?")) {
      query = RequestHead.Span(start: target.start + mark + 1, count: bytes.count - mark - 1)
      path.count = mark - path.start
    }
    // A path has no backslash (RFC 3986, section 3.3), and some programs read it as '/': they would see another path
    // than we do. Browsers send it only in queries.
    guard !bytes[path.start..<(path.start + path.count)].contains(UInt8(ascii: "\\")) else {
      throw RequestFault(400, "the request target is malformed")
    }
    if path.count == 0 {
      // "http://host?query": the path is "/" (RFC 9110, section 4.2.3). The span needs a '/' in the target: the scheme
      // has one.
      guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
        throw RequestFault(400, "the request target is malformed")
      }
      path = RequestHead.Span(start: slash, count: 1)
    }
    path.start += target.start
    authority.start += target.start
  }

  /// The authority of "http://authority/path?query", whose path may be empty.
  private static func authority(
    of bytes: UnsafeRawBufferPointer
  ) throws(RequestFault) -> RequestHead.Span {
    var start = 0
    for scheme in [StaticString("http://").bytes, StaticString("https://").bytes] where bytes.count > scheme.count {
      if HeaderName.areEqual(UnsafeRawBufferPointer(rebasing: bytes[..<scheme.count]), scheme) { start = scheme.count }
    }
    guard start > 0 else { throw RequestFault(400, "the request target is malformed") }
    let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.count
    guard end > start, Authority.isValid(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else {
      throw RequestFault(400, "the request target is malformed")
    }
    return RequestHead.Span(start: start, count: end - start)
  }
}
