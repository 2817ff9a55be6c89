@testable import DOGEngine

/// RFC 6455, section 5, the straightforward way: all bytes are there, everything is copied, text is validated by the
/// standard library. What the parser is held against.
struct ReferenceDecoder {
  let bytes: [UInt8]
  let messageBytesMax: Int
  private var index = 0
  private var kind: UInt8?
  private var message: [UInt8] = []

  static func decode(_ bytes: [UInt8], messageBytesMax: Int) -> [FrameEvent] {
    var decoder = ReferenceDecoder(bytes: bytes, messageBytesMax: messageBytesMax)
    var events: [FrameEvent] = []
    while let event = decoder.nextFrame() {
      if let event { events.append(event) }
      switch event {
      case .close, .invalid: return events
      default: continue
      }
    }
    return events
  }

  private init(bytes: [UInt8], messageBytesMax: Int) {
    self.bytes = bytes
    self.messageBytesMax = messageBytesMax
  }

  private mutating func take(_ count: Int) -> [UInt8]? {
    guard bytes.count - index >= count else { return nil }
    defer { index += count }
    return [UInt8](bytes[index..<index + count])
  }

  /// Nil when there is no whole frame left; `.some(nil)` for a fragment.
  private mutating func nextFrame() -> FrameEvent?? {
    guard let first = take(1)?[0] else { return nil }
    let (isFinal, opcode) = (first & 0x80 != 0, first & 0x0F)
    guard first & 0x70 == 0, [0, 1, 2, 8, 9, 10].contains(opcode), isFinal || opcode < 8 else { return .invalid(1002) }
    guard let second = take(1)?[0] else { return nil }
    guard second & 0x80 != 0 else { return .invalid(1002) }
    var length = UInt64(second & 0x7F)
    if opcode >= 8 && length > 125 { return .invalid(1002) }
    if length > 125 {
      let isShort = length == 126
      guard let long = take(isShort ? 2 : 8) else { return nil }
      length = long.reduce(0) { $0 << 8 | UInt64($1) }
      if length >> 63 == 1 || length < (isShort ? 126 : 65536) { return .invalid(1002) }
    }
    guard let key = take(4) else { return nil }
    if opcode < 8 {
      if (opcode == 0) != (kind != nil) { return .invalid(1002) }
      if length + UInt64(message.count) > UInt64(messageBytesMax) { return .invalid(1009) }
    }
    let available = min(UInt64(bytes.count - index), length)
    guard let masked = take(Int(available)) else { return nil }
    let payload = masked.enumerated().map { $1 ^ key[$0 % 4] }
    let isWhole = available == length
    return opcode < 8
      ? data(opcode, payload, isFinal: isFinal, isWhole: isWhole) : isWhole ? control(opcode, payload) : nil
  }

  private mutating func data(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool, isWhole: Bool) -> FrameEvent?? {
    let kind = self.kind ?? opcode
    message += payload
    let isEnd = isFinal && isWhole
    if kind == 1 && !(isEnd ? Self.isText(message) : Self.mayBecomeText(message)) { return .invalid(1007) }
    guard isWhole else { return nil }
    self.kind = kind
    guard isFinal else { return .some(nil) }
    defer { (self.kind, message) = (nil, []) }
    return kind == 1 ? .text(message) : .binary(message)
  }

  private func control(_ opcode: UInt8, _ payload: [UInt8]) -> FrameEvent {
    switch (opcode, payload.count) {
    case (9, _): return .ping(payload)
    case (10, _): return .pong(payload)
    case (_, 0): return .close(nil, [])
    case (_, 1): return .invalid(1002)
    default:
      let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
      let isUsable = code >= 1000 && code < 5000 && ![1004, 1005, 1006].contains(code) && !(1015..<3000).contains(code)
      guard isUsable else { return .invalid(1002) }
      let reason = [UInt8](payload.dropFirst(2))
      return Self.isText(reason) ? .close(code, reason) : .invalid(1007)
    }
  }

  static func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// Whether some continuation makes it text. At most three bytes are missing, and of these only the first has a range
  /// that depends on the character: one of the range ends below fits wherever anything does.
  static func mayBecomeText(_ bytes: [UInt8]) -> Bool {
    // What comes before the last lead byte does not depend on the rest.
    let tailStart = bytes.suffix(4).lastIndex { $0 >= 0xC0 } ?? bytes.count
    guard isText([UInt8](bytes[..<tailStart])) || isText(bytes) else { return false }
    let tail = [UInt8](bytes[tailStart...])
    if isText(tail) { return true }
    return [0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF].contains { next in
      (0...2).contains { isText(tail + [next] + [UInt8](repeating: 0x80, count: $0)) }
    }
  }
}
