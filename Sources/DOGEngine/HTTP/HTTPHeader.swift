/// A header of a response, kept as the line that is sent: "Content-Type: text/plain\r\n".
public struct HTTPHeader: Hashable, Sendable {
  let line: [UInt8]
  let nameCount: Int

  public init(name: String, value: String) {
    self.init(nameBytes: name.utf8, valueBytes: value.utf8)
  }

  public init(nameBytes name: some Collection<UInt8>, valueBytes value: some Collection<UInt8>) {
    var line: [UInt8] = []
    line.reserveCapacity(name.count + value.count + 4)
    line.append(contentsOf: name)
    line.append(contentsOf: StaticString(": ").bytes)
    line.append(contentsOf: value)
    line.append(contentsOf: StaticString("\r\n").bytes)
    self.line = line
    nameCount = name.count
  }

  public var name: String { String(decoding: nameBytes, as: UTF8.self) }
  public var value: String { String(decoding: valueBytes, as: UTF8.self) }

  private var nameBytes: ArraySlice<UInt8> { line[..<nameCount] }
  private var valueBytes: ArraySlice<UInt8> { line[(nameCount + 2)...].dropLast(2) }
}

extension [HTTPHeader] {
  /// Their lines, one behind the other.
  var lines: [UInt8] { isEmpty ? [] : flatMap(\.line) }

  /// The same for those of a host; nil: one of them it may not send.
  var validLines: [UInt8]? { allSatisfy { ResponseEncoder.isValid($0) } ? lines : nil }
}
