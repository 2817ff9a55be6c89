import CDOG

/// The headers of a response, as a host in C lends them. Whether each may be sent is asked when they are written.
struct LentHeaders {
  private static var countMax: Int { 1000 }
  private static var bytesMax: Int { 1 << 20 }

  private let headers: UnsafeBufferPointer<dog_header_t>
  /// Of all their lines.
  private let lineBytes: Int

  init(_ headers: UnsafePointer<dog_header_t>?, count: Int) throws(Status) {
    guard count != 0 else {
      self.headers = UnsafeBufferPointer(start: nil, count: 0)
      lineBytes = 0
      return
    }
    guard let headers, (1...LentHeaders.countMax).contains(count) else { throw .invalid }
    self.headers = UnsafeBufferPointer(start: headers, count: count)
    var total = 0
    for header in self.headers {
      total += try bytes(header.name, header.name_length).count + bytes(header.value, header.value_length).count
      guard total <= LentHeaders.bytesMax else { throw .tooBig }
    }
    lineBytes = total + 4 * count
  }

  /// Lends their lines to `body`, one behind the other. Nil: one of them may not be sent.
  @inline(__always)
  func withLines<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    guard lineBytes > 0 else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return withUnsafeTemporaryAllocation(byteCount: lineBytes, alignment: 1) { lines in
      body(write(to: lines) ? UnsafeRawBufferPointer(lines) : nil)
    }
  }

  private func write(to lines: UnsafeMutableRawBufferPointer) -> Bool {
    guard var end = lines.baseAddress else { return false }
    func append(_ bytes: UnsafeRawBufferPointer) {
      guard let source = bytes.baseAddress, bytes.count > 0 else { return }
      end.copyMemory(from: source, byteCount: bytes.count)
      end += bytes.count
    }
    for header in headers {
      let name = UnsafeRawBufferPointer(start: header.name, count: header.name_length)
      let value = UnsafeRawBufferPointer(start: header.value, count: header.value_length)
      guard ResponseEncoder.isValid(name: name, value: value) else { return false }
      append(name)
      append(StaticString(": ").bytes)
      append(value)
      append(StaticString("\r\n").bytes)
    }
    return true
  }

  var copied: [HTTPHeader] {
    headers.map { header in
      HTTPHeader(
        nameBytes: UnsafeRawBufferPointer(start: header.name, count: header.name_length),
        valueBytes: UnsafeRawBufferPointer(start: header.value, count: header.value_length))
    }
  }
}
