/// The chunked transfer coding (RFC 9112, section 7.1), read as narrowly as it is defined: lines end with CRLF, a size
/// is never empty, and white space stands only between a size and an extension. A pure value: bytes in, stretches of
/// them out.
///
/// llhttp could do this too, but lets a bare LF end a trailer section, and would have to be kept between two reads.
struct ChunkDecoder {
  enum Step {
    /// All input was read.
    case needMore
    /// These bytes of the input belong to the body.
    case data(UnsafeRawBufferPointer)
    /// The body is over; what follows in the input is the next request's.
    case end
    case invalid(RequestFault)
  }

  /// What the next byte is.
  private enum Part {
    case size, chunkExtension, sizeLineFeed
    case data, dataReturn, dataLineFeed
    /// The first byte of a line of the trailer section, its name, its value, the LF that ends it; and the LF that ends
    /// the body.
    case trailer, trailerName, trailerValue, trailerLineFeed, lastLineFeed
    case over
  }

  /// Sixteen hexadecimal digits fill a UInt64, so a size never overflows.
  private static let sizeDigitsMax = 16

  private var part = Part.size
  private var sizeDigits = 0
  private var chunkExtension: ChunkExtension?
  private var size: UInt64 = 0
  /// How many more bytes there may be: of data, and of the extensions and trailers, which are read and thrown away.
  private var dataBytesLeft: UInt64
  private var extraBytesLeft: Int
  /// The name of the trailer that is read, in small letters, as far as it matters.
  private var trailerName: [UInt8] = []

  init(bodyBytesMax: Int, extraBytesMax: Int) {
    dataBytesLeft = UInt64(clamping: bodyBytesMax)
    extraBytesLeft = extraBytesMax
  }

  mutating func next(_ input: inout UnsafeRawBufferPointer) -> Step {
    var offset = 0
    defer { input = UnsafeRawBufferPointer(rebasing: input[offset...]) }
    while offset < input.count {
      if part == .data {
        let count = Int(clamping: min(size, UInt64(input.count - offset)))
        let bytes = UnsafeRawBufferPointer(rebasing: input[offset..<(offset + count)])
        offset += count
        size -= UInt64(count)
        if size == 0 { part = .dataReturn }
        return .data(bytes)
      }
      do throws(RequestFault) {
        try read(input[offset])
      } catch {
        return .invalid(error)
      }
      offset += 1
      if part == .over { return .end }
    }
    return .needMore
  }

  /// One byte of what surrounds the data.
  private mutating func read(_ byte: UInt8) throws(RequestFault) {
    switch part {
    case .size: try readSize(byte)
    case .chunkExtension:
      if byte == UInt8(ascii: "\r") {
        guard chunkExtension?.isWhole == true else { throw RequestFault(400, "a chunk's extension is malformed") }
        try endSize()
      } else {
        try skip(byte)
        guard chunkExtension?.read(byte) == true else { throw RequestFault(400, "a chunk's extension is malformed") }
      }
    case .sizeLineFeed:
      try expect(UInt8(ascii: "\n"), byte)
      part = size == 0 ? .trailer : .data
    case .dataReturn:
      try expect(UInt8(ascii: "\r"), byte)
      part = .dataLineFeed
    case .dataLineFeed:
      try expect(UInt8(ascii: "\n"), byte)
      part = .size
    case .trailer, .trailerName, .trailerValue: try readTrailer(byte)
    case .trailerLineFeed:
      try expect(UInt8(ascii: "\n"), byte)
      part = .trailer
    case .lastLineFeed:
      try expect(UInt8(ascii: "\n"), byte)
      part = .over
    case .data, .over: break
    }
  }

  private mutating func readSize(_ byte: UInt8) throws(RequestFault) {
    if let digit = PercentCoding.hexDigit(byte) {
      guard sizeDigits < ChunkDecoder.sizeDigitsMax else { throw RequestFault(400, "a chunk's size is malformed") }
      sizeDigits += 1
      size = size << 4 | UInt64(digit)
    } else if sizeDigits > 0, byte == UInt8(ascii: "\r") {
      try endSize()
    } else if sizeDigits > 0, let begun = ChunkExtension(first: byte) {
      try skip(byte)
      chunkExtension = begun
      part = .chunkExtension
    } else {
      throw RequestFault(400, "a chunk's size is malformed")
    }
  }

  private mutating func endSize() throws(RequestFault) {
    guard size <= dataBytesLeft else { throw RequestFault(413, "the body is too large") }
    dataBytesLeft -= size
    sizeDigits = 0
    part = .sizeLineFeed
  }

  /// A trailer may not say where a message goes or ends, which is decided by then (RFC 9110, section 6.5.1). To refuse
  /// one is safe; to overlook it may not be, for others on the way.
  private static let forbidden: [StaticString] = ["content-length", "transfer-encoding", "host", "trailer", "te"]
  private static let forbiddenCountMax = 17

  /// The engine does not pass trailers on: each must have the shape of a header, and is dropped.
  private mutating func readTrailer(_ byte: UInt8) throws(RequestFault) {
    switch part {
    case .trailer where byte == UInt8(ascii: "\r"): part = .lastLineFeed
    case .trailerName where byte == UInt8(ascii: ":"):
      try skip(byte)
      guard !ChunkDecoder.forbidden.contains(where: { trailerName.elementsEqual($0.bytes) }) else {
        throw RequestFault(400, "a trailer says what only a header may")
      }
      trailerName = []
      part = .trailerValue
    case .trailer, .trailerName:
      guard ASCII.isTokenByte(byte) else { throw RequestFault(400, "a trailer is malformed") }
      try skip(byte)
      if trailerName.count <= ChunkDecoder.forbiddenCountMax { trailerName.append(ASCII.lowercase(byte)) }
      part = .trailerName
    case .trailerValue where byte == UInt8(ascii: "\r"): part = .trailerLineFeed
    default: try skip(byte)
    }
  }

  private mutating func skip(_ byte: UInt8) throws(RequestFault) {
    guard byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") else {
      throw RequestFault(400, "a chunk's extension or a trailer holds a control character")
    }
    guard extraBytesLeft > 0 else { throw RequestFault(431, "the body's extensions or trailers are too large") }
    extraBytesLeft -= 1
  }

  private func expect(_ wanted: UInt8, _ byte: UInt8) throws(RequestFault) {
    guard byte == wanted else { throw RequestFault(400, "a chunk does not end with CRLF") }
  }
}
