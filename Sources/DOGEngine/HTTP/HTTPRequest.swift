/// A request as the client sent it. Immutable: it may be read on any thread.
///
/// The pointers that the `with` functions and `headerAt` give stay good as long as the request lives; the C API relies
/// on that. A value that has to be computed comes as an array.
public final class HTTPRequest: Sendable {
  private let remoteText: KeptBytes
  /// The client that X-Forwarded-For tells; nil if that is the peer, or no trusted proxy tells it.
  let forwardedFor: ClientAddress?
  /// The subject of the client's certificate, which was verified (RFC 2253). Nil without one.
  public let clientSubject: String?
  private let head: RequestHead
  private let bodyBuffer: BodyBuffer

  init(
    head: consuming RequestHead, body: consuming BodyBuffer, remote: KeptBytes, clientSubject: String?,
    forwarding: ForwardedFor?
  ) {
    let client = forwarding?.client(of: head)
    forwardedFor = client == forwarding?.peer ? nil : client
    self.head = head
    bodyBuffer = body
    remoteText = forwardedFor.map { KeptBytes(copying: $0.description.utf8) } ?? remote
    self.clientSubject = clientSubject
  }

  /// The client's address, "127.0.0.1:5123": the peer's, or what a trusted proxy says.
  public var remote: String { withRemote { String(decoding: $0, as: UTF8.self) } }

  /// HTTP/1.1, else HTTP/1.0.
  public var isHTTP11: Bool { head.content.isHTTP11 }

  /// The client may send another request on this connection after the response (RFC 9112, section 9.3).
  public var keepAlive: Bool { head.content.keepAlive }

  public var isGET: Bool { withMethod { $0.elementsEqual(StaticString("GET").bytes) } }
  public var isHEAD: Bool { head.isHEAD }

  // MARK: - As text and arrays

  /// "GET"
  public var method: String { withMethod { String(decoding: $0, as: UTF8.self) } }

  /// "/a%20b?c=d", as sent.
  public var target: String { withTarget { String(decoding: $0, as: UTF8.self) } }

  /// "/a%20b"
  public var path: String { withPath { String(decoding: $0, as: UTF8.self) } }

  public var body: [UInt8] { withBody { [UInt8]($0) } }

  /// A header by its name, letter case aside; several of one name are joined by ", ", those of Cookie by "; " (RFC
  /// 9113, section 8.2.3). If the target is in absolute-form, Host is the target's authority (RFC 9112, section 3.2.2).
  public func header(_ name: some StringProtocol) -> [UInt8]? {
    String(name).withBytes { header($0) }
  }

  public func header(_ name: UnsafeRawBufferPointer) -> [UInt8]? {
    switch find(name) {
    case .absent: nil
    case .inPlace(let value): [UInt8](value)
    case .joined(let value): value
    }
  }

  /// Where a header's value is.
  enum Found {
    case absent
    case inPlace(UnsafeRawBufferPointer)
    /// There are several.
    case joined([UInt8])
  }

  func find(_ name: UnsafeRawBufferPointer) -> Found {
    if head.content.authority.count > 0, HeaderName.areEqual(name, "host") {
      return .inPlace(head[head.content.authority])
    }
    var first: Int?
    for index in 0..<head.headerCount where HeaderName.areEqual(head.name(index), name) {
      if let first { return .joined(join(first, index, name)) }
      first = index
    }
    return first.map { .inPlace(head.value($0)) } ?? .absent
  }

  /// The headers of this name: `first` and `second` are the first two.
  private func join(_ first: Int, _ second: Int, _ name: UnsafeRawBufferPointer) -> [UInt8] {
    let separator: StaticString = HeaderName.areEqual(name, "cookie") ? "; " : ", "
    var joined = [UInt8](head.value(first))
    for index in second..<head.headerCount where HeaderName.areEqual(head.name(index), name) {
      joined.append(contentsOf: separator.bytes)
      joined.append(contentsOf: head.value(index))
    }
    return joined
  }

  /// The value of a query parameter, percent-decoded, '+' as space; the first of several.
  public func query(_ name: String) -> [UInt8]? {
    PercentCoding.value(of: name.utf8, inQuery: head[head.content.query])
  }

  public func query(_ name: UnsafeRawBufferPointer) -> [UInt8]? {
    PercentCoding.value(of: name, inQuery: head[head.content.query])
  }

  /// What its head and body take in memory.
  var byteCount: Int { head.byteCount + bodyBuffer.count }

  /// For the log: the client's address, method and path, cut to a length.
  var summary: String {
    let method = withMethod { LogText.quoted($0, max: 20) }
    return "\(remote) \(method) \(withPath { LogText.quoted($0, max: 200) })"
  }

  // MARK: - In place

  public func withMethod<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(head[head.content.method])
  }

  public func withTarget<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(head[head.content.target])
  }

  public func withPath<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(head[head.content.path])
  }

  public func withRemote<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(remoteText.bytes)
  }

  public func withBody<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try body(bodyBuffer.bytes) }

  public var headerCount: Int { head.headerCount }

  /// The headers in the order they came, names as sent; nil past the last.
  public func headerAt<R>(
    _ index: Int, _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R? {
    guard index >= 0, index < head.headerCount else { return nil }
    return try body(head.name(index), head.value(index))
  }
}
