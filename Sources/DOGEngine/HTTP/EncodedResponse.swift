/// A response, or the head of one, put together: how many bytes it has, and what they are. So it is written straight to
/// where it is sent from. What it is made of is borrowed.
struct EncodedResponse {
  /// The body's length is said as such, not said, or said by chunks.
  private enum Length {
    case none
    case bytes(DecimalDigits)
    case chunked
  }

  private let status: Int
  private let reason: StaticString
  private let date: UnsafeRawBufferPointer
  private let length: Length
  private let connection: StaticString
  private let lines: UnsafeRawBufferPointer
  private let body: UnsafeRawBufferPointer
  let count: Int

  /// A whole one. `status` is 200 to 599. `lines` are its headers as they are sent, each with its line end and each
  /// valid; `date` is what `HTTPDate` gave.
  init(
    status: Int, lines: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, for facts: ResponseEncoder.Facts,
    date: UnsafeRawBufferPointer
  ) {
    // RFC 9110, section 8.6: none with 204; with 304 only the length of the response that it stands for, which we do
    // not know.
    let saysLength = status != 204 && status != 304
    self.init(
      status, lines, saysLength ? .bytes(DecimalDigits(body.count)) : .none,
      HTTPStatus.hasContent(status) && !facts.isHEAD ? body : UnsafeRawBufferPointer(start: nil, count: 0), facts, date)
  }

  /// The head of one whose body is not known yet.
  init(
    headOf status: Int, lines: UnsafeRawBufferPointer, for facts: ResponseEncoder.Facts, date: UnsafeRawBufferPointer
  ) {
    var length = Length.none
    if status == 205 {
      length = .bytes(DecimalDigits(0))
    } else if HTTPStatus.hasContent(status), facts.isHTTP11 {
      // To HEAD too: what GET would get (RFC 9112, section 6.1).
      length = .chunked
    }
    self.init(status, lines, length, UnsafeRawBufferPointer(start: nil, count: 0), facts, date)
  }

  @inline(__always)
  private init(
    _ status: Int, _ lines: UnsafeRawBufferPointer, _ length: Length, _ body: UnsafeRawBufferPointer,
    _ facts: ResponseEncoder.Facts, _ date: UnsafeRawBufferPointer
  ) {
    self.status = status
    reason = HTTPStatus.reason(status)
    self.date = date
    self.length = length
    connection = EncodedResponse.connection(facts, offersUpgrade: status == 426)
    self.lines = lines
    self.body = body
    var count = EncodedResponse.version.utf8CodeUnitCount + 4 + reason.utf8CodeUnitCount
    count += EncodedResponse.dateName.utf8CodeUnitCount + date.count
    switch length {
    case .none: break
    case .bytes(let digits): count += EncodedResponse.lengthName.utf8CodeUnitCount + digits.count
    case .chunked: count += EncodedResponse.chunkedLine.utf8CodeUnitCount
    }
    self.count = count + connection.utf8CodeUnitCount + lines.count + 2 + body.count
  }

  private static var version: StaticString { "HTTP/1.1 " }
  private static var dateName: StaticString { "\r\nDate: " }
  private static var lengthName: StaticString { "\r\nContent-Length: " }
  private static var chunkedLine: StaticString { "\r\nTransfer-Encoding: chunked" }

  /// Writes all of it to `target`, where `count` bytes are free.
  func write(to target: UnsafeMutableRawPointer) {
    var end = target
    func append(_ bytes: UnsafeRawBufferPointer) {
      guard let source = bytes.baseAddress, bytes.count > 0 else { return }
      end.copyMemory(from: source, byteCount: bytes.count)
      end += bytes.count
    }
    append(EncodedResponse.version.bytes)
    // Three digits and a space, the first lowest.
    let (hundreds, tens, ones) = (status / 100, status / 10 % 10, status % 10)
    let digits = UInt32(truncatingIfNeeded: hundreds | (tens << 8) | (ones << 16))
    end.storeBytes(of: UInt32(littleEndian: digits | 0x2030_3030), as: UInt32.self)
    end += 4
    append(reason.bytes)
    append(EncodedResponse.dateName.bytes)
    append(date)
    switch length {
    case .none: break
    case .bytes(let digits):
      append(EncodedResponse.lengthName.bytes)
      digits.write(to: &end)
    case .chunked: append(EncodedResponse.chunkedLine.bytes)
    }
    append(connection.bytes)
    append(lines)
    append(StaticString("\r\n").bytes)
    append(body)
    assert(end == target + count, "a response of \(end - target) bytes was counted as \(count)")
  }

  /// RFC 9112, section 9.3: HTTP/1.1 keeps the connection unless told, HTTP/1.0 the other way round. RFC 9110, section
  /// 7.8: whoever sends Upgrade lists it in Connection.
  private static func connection(_ facts: ResponseEncoder.Facts, offersUpgrade: Bool) -> StaticString {
    switch (facts.keepAlive, offersUpgrade) {
    case (false, false): "\r\nConnection: close\r\n"
    case (false, true): "\r\nConnection: close, Upgrade\r\n"
    case (true, true): facts.isHTTP11 ? "\r\nConnection: Upgrade\r\n" : "\r\nConnection: keep-alive, Upgrade\r\n"
    case (true, false): facts.isHTTP11 ? "\r\n" : "\r\nConnection: keep-alive\r\n"
    }
  }
}
