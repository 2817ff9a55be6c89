/// Reads the header in which a proxy tells, before all else, which client a connection is from: the PROXY protocol of
/// HAProxy, versions 1 (a line of text) and 2 (binary). Pure: the result does not depend on how the network split the
/// bytes. The first byte that cannot belong to a header refuses it.
///
/// > The receiver MUST be configured to only receive the protocol described in this specification and MUST not try to
/// > guess whether the protocol header is present or not. (section 4)
struct ProxyHeader {
  enum Step: Equatable {
    /// All input was read.
    case needMore
    /// The header is over; what follows it stays in the input. Nil: the proxy speaks for itself, or does not know the
    /// client.
    case done(ClientAddress?)
    case invalid(StaticString)

    static func == (left: Step, right: Step) -> Bool {
      switch (left, right) {
      case (.needMore, .needMore), (.invalid, .invalid): true
      case (.done(let left), .done(let right)): left == right
      default: false
      }
    }
  }

  /// Section 2.1: "107 bytes", CRLF included.
  static let lineBytesMax = 107
  /// The most that version 2 may carry after its first 16 bytes, addresses included. A header can announce 65,535.
  static let blockBytesMax = 4096

  private static let fixedBytes = 16
  private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"

  private var bytes: [UInt8] = []

  init() {}

  /// Reads on. The input is advanced past what was read.
  mutating func next(_ input: inout UnsafeRawBufferPointer) -> Step {
    while let byte = bytes.first ?? input.first {
      let step = byte == UInt8(ascii: "P") ? readLine(&input) : readBlock(&input)
      if let step { return step }
    }
    return .needMore
  }

  // MARK: Version 1

  /// Nil: take the next byte.
  private mutating func readLine(_ input: inout UnsafeRawBufferPointer) -> Step? {
    guard let byte = input.first else { return .needMore }
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    bytes.append(byte)
    let start: StaticString = "PROXY "
    if bytes.count <= start.utf8CodeUnitCount {
      return byte == start.bytes[bytes.count - 1] ? nil : .invalid("it begins with no PROXY header")
    }
    if byte == UInt8(ascii: "\n") {
      guard bytes[bytes.count - 2] == UInt8(ascii: "\r") else { return .invalid("the PROXY line ends without CR") }
      return ProxyHeader.parseLine(bytes[start.utf8CodeUnitCount..<(bytes.count - 2)])
    }
    return bytes.count < ProxyHeader.lineBytesMax ? nil : .invalid("the PROXY line is too long")
  }

  /// What is between "PROXY " and the end of the line.
  private static func parseLine(_ line: ArraySlice<UInt8>) -> Step {
    let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    // Section 2.1: "UNKNOWN" is followed by what the receiver must ignore, or by nothing.
    if words[0].elementsEqual("UNKNOWN".utf8) { return .done(nil) }
    let isV4 = words[0].elementsEqual("TCP4".utf8)
    guard isV4 || words[0].elementsEqual("TCP6".utf8) else { return .invalid("the PROXY line has no known protocol") }
    guard words.count == 5 else { return .invalid("the PROXY line is malformed") }
    guard let source = address(words[1], isV4: isV4), address(words[2], isV4: isV4) != nil else {
      return .invalid("the PROXY line has no valid address")
    }
    guard let port = PortNumber.parse(words[3]), PortNumber.parse(words[4]) != nil else {
      return .invalid("the PROXY line has no valid port")
    }
    return .done(.ip(source, port: port))
  }

  private static func address(_ text: ArraySlice<UInt8>, isV4: Bool) -> IPAddress? {
    text.contains(UInt8(ascii: ":")) == isV4 ? nil : IPAddress(text: text)
  }

  // MARK: Version 2

  /// Nil: go on.
  private mutating func readBlock(_ input: inout UnsafeRawBufferPointer) -> Step? {
    guard let wanted = wantedOfBlock else { return .invalid("the PROXY header is too long") }
    let taken = min(wanted - bytes.count, input.count)
    bytes.append(contentsOf: input[..<taken])
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst(taken))
    let signed = min(bytes.count, ProxyHeader.signature.utf8CodeUnitCount)
    guard bytes[..<signed].elementsEqual(ProxyHeader.signature.bytes.prefix(signed)) else {
      return .invalid("it begins with no PROXY header")
    }
    // "any value other than 2 must be rejected", and so for the command (section 2.2).
    if bytes.count > 12, bytes[12] & 0xf0 != 0x20 { return .invalid("the PROXY header is of another version") }
    if bytes.count > 12, bytes[12] & 0x0f > 1 { return .invalid("the PROXY header has an unknown command") }
    if bytes.count < wanted { return .needMore }
    guard bytes.count >= ProxyHeader.fixedBytes, wantedOfBlock == bytes.count else { return nil }
    return parseBlock()
  }

  /// How many bytes have to be there before more is known; nil if the header says too many.
  private var wantedOfBlock: Int? {
    guard bytes.count >= ProxyHeader.fixedBytes else { return ProxyHeader.fixedBytes }
    let length = Int(bytes[14]) << 8 | Int(bytes[15])
    return length > ProxyHeader.blockBytesMax ? nil : ProxyHeader.fixedBytes + length
  }

  private func parseBlock() -> Step {
    // LOCAL: "must use the real connection endpoints and discard the protocol block including the family".
    if bytes[12] & 0x0f == 0 { return .done(nil) }
    let block = bytes[ProxyHeader.fixedBytes...]
    let source: ClientAddress?
    let addressBytes: Int
    switch bytes[13] {
    case 0x00:
      source = nil
      addressBytes = 0
    case 0x11:
      source = ProxyHeader.source(block, addressCount: 4)
      addressBytes = 12
    case 0x21:
      source = ProxyHeader.source(block, addressCount: 16)
      addressBytes = 36
    case 0x31:
      source = .unix
      addressBytes = 216
    default: return .invalid("the PROXY header has an unknown family or protocol")
    }
    guard block.count >= addressBytes else { return .invalid("the PROXY header is too short for its family") }
    guard ProxyHeader.areExtensions(block.dropFirst(addressBytes)) else {
      return .invalid("the PROXY header has malformed extensions")
    }
    return .done(source)
  }

  /// Both addresses, then both ports; nil if they are not all there.
  private static func source(_ block: ArraySlice<UInt8>, addressCount: Int) -> ClientAddress? {
    guard block.count >= 2 * addressCount + 4 else { return nil }
    let portAt = block.startIndex + 2 * addressCount
    let port = UInt16(block[portAt]) << 8 | UInt16(block[portAt + 1])
    return block.prefix(addressCount).withUnsafeBytes { IPAddress(bytes: $0) }.map { .ip($0, port: port) }
  }

  /// Section 2.2.1: a type, a length of two bytes, a value, and so on to the end. Their values are not used.
  private static func areExtensions(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      guard rest.count >= 3 else { return false }
      let length = Int(rest[rest.startIndex + 1]) << 8 | Int(rest[rest.startIndex + 2])
      guard rest.count >= 3 + length else { return false }
      rest = rest.dropFirst(3 + length)
    }
    return true
  }
}
