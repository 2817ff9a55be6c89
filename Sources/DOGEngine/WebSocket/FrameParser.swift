/// The frames of one client (RFC 6455, section 5), from reads of any size to whole messages.
///
/// DESIGN: a message of one frame that lies whole in the read buffer, as nearly every message does, is unmasked and
/// handed out in place. Only a message that is split between reads or comes in fragments is put together in memory of
/// the parser's own, which exists only while something is incomplete: an idle connection has none.
///
/// Text is validated as it comes. So a message is refused at its first bad byte, wherever reads and fragments end.
struct FrameParser: ~Copyable {
  enum Event {
    /// The input is consumed.
    case needMore
    case message(MessageKind, UnsafeRawBufferPointer)
    case ping(UnsafeRawBufferPointer)
    case pong(UnsafeRawBufferPointer)
    /// The code may be sent, and the reason is UTF-8.
    case close(code: UInt16?, reason: UnsafeRawBufferPointer)
    /// The client broke the protocol or went over the limit: 1002, 1007 or 1009. Or we lack memory: 1011.
    case invalid(CloseCode, StaticString)
  }

  /// The most bytes of a message, and of a frame; 32 bits keep an idle connection small.
  private let limit: UInt32
  /// `UInt32.max` for no limit but the message's.
  private let frameBytesMax: UInt32
  private let inflation: Inflation?
  /// What is incomplete, or was handed out from there by the last call; nil between messages.
  private var assembly: Assembly?
  /// True once a close frame came or the client was refused. What follows is thrown away: nothing may follow a close
  /// frame, and after an error nothing can be trusted.
  private var isEnded = false

  /// A `frameBytesMax` of 0 is the message's limit. `inflation`: set if permessage-deflate was negotiated.
  init(messageBytesMax: Int, frameBytesMax: Int = 0, inflation: Inflation? = nil) {
    limit = UInt32(clamping: messageBytesMax)
    self.frameBytesMax = frameBytesMax > 0 ? UInt32(clamping: frameBytesMax) : .max
    self.inflation = inflation
  }

  /// True when a message has begun that goes on in later frames.
  var isWithinMessage: Bool { !isEnded && assembly?.kind != nil }

  /// True if a header, a frame or a message has begun and is not complete.
  @inline(__always)
  var isUnfinished: Bool {
    guard let assembly else { return false }
    return !isEnded && !assembly.isEmpty
  }

  /// How much memory that takes.
  var bytesHeld: Int { assembly?.bytesHeld ?? 0 }

  /// Nothing more is read: what had begun is freed.
  mutating func abandon() {
    isEnded = true
    assembly = nil
  }

  /// By how many bytes inflating has made payload longer since the last call.
  mutating func takeInflated() -> Int { assembly?.takeInflated() ?? 0 }

  @inline(__always)
  private var messageBytesMax: Int { Int(limit) }

  /// The next thing in `input`, the unread rest of the read buffer, which is advanced past what was consumed. Call
  /// until `.needMore`. Bytes in an event are good until the next call, and as long as the read buffer is; their base
  /// address is never nil. Payload is unmasked in the buffer.
  @inline(__always)
  mutating func next(_ input: inout UnsafeMutableRawBufferPointer) -> Event {
    if input.isEmpty && assembly == nil { return .needMore }
    if let (kind, payload) = nextShortMessage(&input) { return .message(kind, payload) }
    return nextOfAny(&input)
  }

  /// The straight path: a message of one short frame, all of it there. Nil when it is anything else, whatever that is;
  /// the input is as it was.
  @inline(__always)
  func nextShortMessage(_ input: inout UnsafeMutableRawBufferPointer) -> (MessageKind, UnsafeRawBufferPointer)? {
    let headerSize = 6
    guard assembly == nil, !isEnded, input.count >= headerSize, let base = input.baseAddress else { return nil }
    let first = base.load(as: UInt8.self)
    let second = base.load(fromByteOffset: 1, as: UInt8.self)
    let length = Int(second & 0x7F)
    guard first == 0x81 || first == 0x82, second & 0x80 != 0, length <= 125, input.count - headerSize >= length,
      length <= messageBytesMax, length <= frameBytesMax
    else { return nil }

    let payload = base + headerSize
    let key = MaskingKey(base.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
    let isASCII = key.unmask(payload, count: length)
    let bytes = UnsafeRawBufferPointer(start: payload, count: length)
    if first == 0x82 {
      input.consume(headerSize + length)
      return (.binary, bytes)
    }
    guard isASCII || UTF8Validator.isValid(bytes) else {
      // Masked again, for whoever refuses it.
      _ = key.unmask(payload, count: length)
      return nil
    }
    input.consume(headerSize + length)
    return (.text, bytes)
  }

  @inline(never)
  private mutating func nextOfAny(_ input: inout UnsafeMutableRawBufferPointer) -> Event {
    if let assembly, isEnded || assembly.isEmpty { self.assembly = nil }
    while !isEnded {
      if let assembly, let frame = assembly.frame {
        if let event = continuePayload(of: frame, in: assembly, from: &input) { return event }
        continue
      }
      switch header(from: &input) {
      case .needMore: return .needMore
      case .invalid(let reason): return refuse(.protocolError, reason)
      case .header(let frame):
        if let event = begin(frame, in: &input) { return event }
      }
    }
    input.consume(input.count)
    return .needMore
  }

  /// The next header. If `input` ends inside it, its beginning is kept.
  private mutating func header(from input: inout UnsafeMutableRawBufferPointer) -> FrameHeader.Decoded {
    if let assembly, assembly.isWithinHeader { return assembly.header(from: &input) }
    let decoded = FrameHeader.decode(UnsafeRawBufferPointer(input), mayBeCompressed: inflation != nil)
    switch decoded {
    case .invalid: break
    case .header(let frame): input.consume(frame.size)
    case .needMore:
      guard !input.isEmpty else { break }
      let assembly = self.assembly ?? Assembly(messageBytesMax: messageBytesMax, inflation: inflation)
      self.assembly = assembly
      return assembly.header(from: &input)
    }
    return decoded
  }

  /// What the header alone decides; nil to go on.
  private mutating func begin(_ frame: FrameHeader, in input: inout UnsafeMutableRawBufferPointer) -> Event? {
    if !frame.opcode.isControl {
      let isWithinMessage = assembly?.kind != nil
      guard isWithinMessage == (frame.opcode == .continuation) else {
        return refuse(
          .protocolError, isWithinMessage ? "message inside a fragmented one" : "continuation of no message")
      }
      guard frame.length <= frameBytesMax || frameBytesMax == .max else {
        return refuse(.messageTooBig, "frame too big")
      }
      // The sum so far is within the limit, so the difference is not negative.
      guard frame.length <= payloadBytesMax(frame) - (assembly?.payloadCount ?? 0) else {
        return refuse(.messageTooBig, Reason.tooBig)
      }
    }
    if input.count >= frame.length, let event = takeWhole(frame, from: &input) { return event }
    let assembly = self.assembly ?? Assembly(messageBytesMax: messageBytesMax, inflation: inflation)
    self.assembly = assembly
    assembly.begin(frame)
    return nil
  }

  /// How much payload the frames of a message may have. Compressed messages are measured as they inflate. This limit is
  /// for payload that inflates to little or nothing: no encoder makes a message longer by more than an eighth and a few
  /// blocks.
  private func payloadBytesMax(_ frame: FrameHeader) -> Int {
    let isCompressed = frame.isCompressed || assembly?.isCompressed == true
    return isCompressed ? messageBytesMax + messageBytesMax / 8 + 1024 : messageBytesMax
  }

  /// Hands out, from the read buffer, a frame that is complete by itself. Nil for a fragment and for a compressed
  /// frame.
  private mutating func takeWhole(
    _ frame: FrameHeader, from input: inout UnsafeMutableRawBufferPointer
  ) -> Event? {
    let kind: MessageKind
    switch frame.opcode {
    case .text where frame.isFinal && !frame.isCompressed: kind = .text
    case .binary where frame.isFinal && !frame.isCompressed: kind = .binary
    case .text, .binary, .continuation: return nil
    case .close, .ping, .pong:
      let (bytes, _) = unmask(frame, received: 0, count: frame.length, in: &input)
      return control(frame.opcode, UnsafeRawBufferPointer(bytes))
    }
    let (bytes, isASCII) = unmask(frame, received: 0, count: frame.length, in: &input)
    let payload = UnsafeRawBufferPointer(bytes)
    guard kind == .binary || isASCII || UTF8Validator.isValid(payload) else {
      return refuse(.invalidPayload, Reason.notUTF8)
    }
    return .message(kind, payload)
  }

  /// Adds what there is of the payload to the rest; nil if the frame is complete and its message is not.
  private mutating func continuePayload(
    of frame: FrameHeader, in assembly: Assembly, from input: inout UnsafeMutableRawBufferPointer
  ) -> Event? {
    let count = min(input.count, frame.length - assembly.received)
    let (bytes, isASCII) = unmask(frame, received: assembly.received, count: count, in: &input)
    if let fault = assembly.append(UnsafeRawBufferPointer(bytes), isASCII: isASCII) { return refuse(fault) }
    guard assembly.received == frame.length else { return .needMore }
    assembly.endFrame()
    if frame.opcode.isControl { return control(frame.opcode, assembly.controlPayload(count: frame.length)) }
    guard frame.isFinal else { return nil }
    if let fault = assembly.endMessage() { return refuse(fault) }
    return .message(assembly.endedKind, assembly.message)
  }

  private mutating func control(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) -> Event {
    switch opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    case .close: return close(payload)
    case .continuation, .text, .binary: preconditionFailure("\(opcode) is no control frame")
    }
  }

  /// RFC 6455, section 5.5.1.
  private mutating func close(_ payload: UnsafeRawBufferPointer) -> Event {
    guard !payload.isEmpty else {
      isEnded = true
      return .close(code: nil, reason: payload)
    }
    guard payload.count >= 2 else { return refuse(.protocolError, "close code of one byte") }
    let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
    guard CloseCode.mayBeSent(code) else { return refuse(.protocolError, "close code that may not be sent") }
    let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
    guard UTF8Validator.isValid(reason) else { return refuse(.invalidPayload, Reason.notUTF8) }
    isEnded = true
    return .close(code: code, reason: reason)
  }

  private mutating func refuse(_ code: CloseCode, _ reason: StaticString) -> Event {
    isEnded = true
    assembly = nil
    return .invalid(code, reason)
  }

  private mutating func refuse(_ fault: Assembly.Fault) -> Event {
    switch fault {
    case .notUTF8: refuse(.invalidPayload, Reason.notUTF8)
    case .notDeflate: refuse(.invalidPayload, "compressed data is not valid")
    case .tooBig: refuse(.messageTooBig, Reason.tooBig)
    case .noMemory: refuse(.internalError, "no memory to inflate a message")
    }
  }

  /// Consumes `count` bytes of the frame's payload, of which `received` came before.
  private func unmask(
    _ frame: FrameHeader, received: Int, count: Int, in input: inout UnsafeMutableRawBufferPointer
  ) -> (bytes: UnsafeMutableRawBufferPointer, isASCII: Bool) {
    guard let base = input.baseAddress else { return (input, true) }
    let isASCII = frame.maskingKey.advanced(by: received).unmask(base, count: count)
    input.consume(count)
    return (UnsafeMutableRawBufferPointer(start: base, count: count), isASCII)
  }

  private enum Reason {
    static var notUTF8: StaticString { "text is not UTF-8" }
    static var tooBig: StaticString { "message too big" }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Moves the beginning past `count` bytes, which there are.
  @inline(__always)
  fileprivate mutating func consume(_ count: Int) {
    guard let base = baseAddress else { return }
    self = UnsafeMutableRawBufferPointer(start: base + count, count: self.count - count)
  }
}
