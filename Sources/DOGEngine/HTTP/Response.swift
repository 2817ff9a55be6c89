/// A whole response on its way to the connection: what the host gave, checked.
struct Response: Sendable {
  let status: Int
  /// Its headers, line by line.
  let lines: [UInt8]
  let body: [UInt8]
  /// The engine's own answer: counted as refused when the connection takes it.
  var isRefusal = false

  /// What it carries, by and large.
  var byteCount: Int { lines.count + body.count }

  /// Lends it to `body`, encoded.
  func withEncoded<Result>(
    for facts: ResponseEncoder.Facts, date: UnsafeRawBufferPointer, _ body: (EncodedResponse) -> Result
  ) -> Result {
    lines.withUnsafeBytes { lines in
      self.body.withUnsafeBytes {
        body(EncodedResponse(status: status, lines: lines, body: $0, for: facts, date: date))
      }
    }
  }

  /// The engine's own words, as plain text: "404 Not Found: no route".
  static func refusal(_ status: Int, _ reason: String = "", retryAfterSeconds: Int) -> Response {
    var headers = [HTTPHeader(name: "Content-Type", value: "text/plain; charset=utf-8")]
    switch status {
    case 405: headers.append(HTTPHeader(name: "Allow", value: "GET"))
    case 426:
      headers.append(HTTPHeader(name: "Upgrade", value: "websocket"))
      headers.append(HTTPHeader(name: "Sec-WebSocket-Version", value: "13"))
    case 503: headers.append(HTTPHeader(name: "Retry-After", value: "\(retryAfterSeconds)"))
    default: break
    }
    return Response(
      status: status, lines: headers.lines,
      body: [UInt8]("\(status) \(HTTPStatus.reason(status))\(reason.isEmpty ? "" : ": \(reason)")\n".utf8),
      isRefusal: true)
  }
}
