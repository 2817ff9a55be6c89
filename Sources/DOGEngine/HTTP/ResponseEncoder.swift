/// Writes responses (RFC 9112, section 4). Only this says where a response ends, when it was made and what happens to
/// the connection; `isValid` refuses a host's headers that would say it.
enum ResponseEncoder {
  /// The facts about a request that decide how its response is framed.
  struct Facts: Sendable {
    var isHEAD: Bool
    var isHTTP11: Bool
    /// Another request may follow on this connection.
    var keepAlive: Bool

    /// For what could not be read as a request: say why and close.
    static func unread(isHEAD: Bool) -> Facts { Facts(isHEAD: isHEAD, isHTTP11: true, keepAlive: false) }
  }

  static var continueResponse: StaticString { "HTTP/1.1 100 Continue\r\n\r\n" }

  /// Appends a whole response. `status` is 200 to 599, the headers are valid ones, `date` is what `HTTPDate` gave.
  static func encode(
    status: Int, headers: [HTTPHeader], body: UnsafeRawBufferPointer, for facts: Facts, date: [UInt8],
    into out: SharedBytes
  ) {
    begin(status, date, out)
    if saysLength(status) {
      out.append(StaticString("\r\nContent-Length: ").bytes)
      append(body.count, to: out)
    }
    finish(status, headers, facts, out)
    if HTTPStatus.hasContent(status), !facts.isHEAD { out.append(body) }
  }

  /// Appends the head of a response whose body is not known yet.
  static func encodeHead(
    status: Int, headers: [HTTPHeader], for facts: Facts, date: [UInt8], into out: SharedBytes
  ) {
    begin(status, date, out)
    if status == 205 {
      out.append(StaticString("\r\nContent-Length: 0").bytes)
    } else if HTTPStatus.hasContent(status), facts.isHTTP11 {
      // To HEAD too: what GET would get (RFC 9112, section 6.1).
      out.append(StaticString("\r\nTransfer-Encoding: chunked").bytes)
    }
    finish(status, headers, facts, out)
  }

  private static func begin(_ status: Int, _ date: [UInt8], _ out: SharedBytes) {
    out.append(StaticString("HTTP/1.1 ").bytes)
    append(status, to: out)
    out.append(StaticString(" ").bytes)
    out.append(HTTPStatus.reason(status).bytes)
    out.append(StaticString("\r\nDate: ").bytes)
    date.withUnsafeBytes { out.append($0) }
  }

  private static func finish(_ status: Int, _ headers: [HTTPHeader], _ facts: Facts, _ out: SharedBytes) {
    out.append(connection(facts, offersUpgrade: status == 426).bytes)
    for header in headers { header.line.withUnsafeBytes { out.append($0) } }
    out.append(StaticString("\r\n").bytes)
  }

  /// RFC 9110, section 8.6: none with 204; with 304 only the length of the response that it stands for, which we do not
  /// know.
  private static func saysLength(_ status: Int) -> Bool { status != 204 && status != 304 }

  /// Appends the answer to a WebSocket handshake (RFC 6455, section 4.2.2). `accept` is the value of
  /// Sec-WebSocket-Accept, `protocol` one that the client offered, `extensions` those agreed to; the headers are valid
  /// ones for an upgrade.
  static func switchingProtocols(
    accept: [UInt8], protocol: String?, extensions: String? = nil, headers: [HTTPHeader], into out: SharedBytes
  ) {
    out.append(
      StaticString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n").bytes)
    out.append(StaticString("Sec-WebSocket-Accept: ").bytes)
    accept.withUnsafeBytes { out.append($0) }
    out.append(StaticString("\r\n").bytes)
    var chosen: [HTTPHeader] = []
    if let `protocol` { chosen.append(HTTPHeader(name: "Sec-WebSocket-Protocol", value: `protocol`)) }
    if let extensions { chosen.append(HTTPHeader(name: "Sec-WebSocket-Extensions", value: extensions)) }
    for header in chosen + headers { header.line.withUnsafeBytes { out.append($0) } }
    out.append(StaticString("\r\n").bytes)
  }

  /// Whether a host may send this header. `forUpgrade`: in a 101.
  static func isValid(
    name: some Collection<UInt8>, value: some Collection<UInt8>, forUpgrade: Bool = false
  ) -> Bool {
    guard HeaderName.isToken(name), value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }) else {
      return false
    }
    let lowercase = name.map(ASCII.lowercase)
    if ownNames.contains(where: { lowercase.elementsEqual($0.bytes) }) { return false }
    guard forUpgrade else { return true }
    return !lowercase.elementsEqual(StaticString("upgrade").bytes)
      && !lowercase.starts(with: StaticString("sec-websocket-").bytes)
  }

  static func isValid(_ header: HTTPHeader, forUpgrade: Bool = false) -> Bool {
    isValid(name: header.nameBytes, value: header.valueBytes, forUpgrade: forUpgrade)
  }

  private static let ownNames: [StaticString] = ["content-length", "transfer-encoding", "date", "connection"]

  // MARK: - Writing

  /// RFC 9112, section 9.3: HTTP/1.1 keeps the connection unless told, HTTP/1.0 the other way round. RFC 9110, section
  /// 7.8: whoever sends Upgrade lists it in Connection.
  private static func connection(_ facts: Facts, offersUpgrade: Bool) -> StaticString {
    switch (facts.keepAlive, offersUpgrade) {
    case (false, false): "\r\nConnection: close\r\n"
    case (false, true): "\r\nConnection: close, Upgrade\r\n"
    case (true, true): facts.isHTTP11 ? "\r\nConnection: Upgrade\r\n" : "\r\nConnection: keep-alive, Upgrade\r\n"
    case (true, false): facts.isHTTP11 ? "\r\n" : "\r\nConnection: keep-alive\r\n"
    }
  }

  private static func append(_ number: Int, to out: SharedBytes) {
    digits(number).withUnsafeBytes { out.append($0) }
  }

  private static func digits(_ number: Int) -> [UInt8] { [UInt8](String(number).utf8) }
}
