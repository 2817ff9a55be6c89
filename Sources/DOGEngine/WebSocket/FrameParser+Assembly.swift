extension FrameParser {
  /// What a parser keeps while something is incomplete: a header torn between reads, the payload of a frame, the
  /// message that its fragments make up. A control frame may come torn between the fragments of a message, so it has
  /// room of its own.
  final class Assembly {
    /// The frame whose payload is being received; nil while a header is awaited.
    private(set) var frame: FrameHeader?
    /// How much of its payload came; 0 without a frame.
    private(set) var received = 0
    /// Of the message under way; nil when there is none.
    private(set) var kind: MessageKind?
    /// Bytes of the message under way, over all its frames so far.
    private(set) var messageCount = 0

    /// Where the text under way stands; it may end inside a character with every frame but the last.
    private var validator = UTF8Validator()
    /// Room for `messageCapacity` bytes; nil until the first byte of a message.
    private var message: UnsafeMutableRawPointer?
    private(set) var messageCapacity = 0
    /// Room for the longest header and, behind it, for the longest payload of a control frame.
    private let scratch: UnsafeMutableRawPointer
    /// Bytes of a header that is not complete.
    private var headerCount = 0

    init() {
      scratch = .allocate(byteCount: FrameHeader.sizeMax + FrameHeader.controlPayloadMax, alignment: 16)
    }

    deinit {
      scratch.deallocate()
      message?.deallocate()
    }

    /// True when a header began in an earlier read, and goes on in the next.
    var isWithinHeader: Bool { headerCount > 0 }

    /// True when nothing is incomplete: all that it still holds was handed out.
    var isEmpty: Bool { frame == nil && kind == nil && headerCount == 0 }

    /// Goes on with the header of the next frame.
    func header(from input: inout UnsafeMutableRawBufferPointer) -> FrameHeader.Decoded {
      while let byte = input.first {
        scratch.storeBytes(of: byte, toByteOffset: headerCount, as: UInt8.self)
        headerCount += 1
        input = UnsafeMutableRawBufferPointer(rebasing: input.dropFirst())
        switch FrameHeader.decode(UnsafeRawBufferPointer(start: scratch, count: headerCount)) {
        case .needMore: continue
        case let decoded:
          headerCount = 0
          return decoded
        }
      }
      return .needMore
    }

    /// The payload of `frame`, which the rules allow here, comes next.
    func begin(_ frame: FrameHeader) {
      self.frame = frame
      switch frame.opcode {
      case .text: kind = .text
      case .binary: kind = .binary
      case .continuation, .close, .ping, .pong: break
      }
    }

    /// More of the frame's payload, unmasked. False when it makes the message bad text.
    func append(_ bytes: UnsafeRawBufferPointer, isASCII: Bool) -> Bool {
      guard let frame, let source = bytes.baseAddress else { return true }
      defer { received += bytes.count }
      if frame.opcode.isControl {
        (scratch + FrameHeader.sizeMax + received).copyMemory(from: source, byteCount: bytes.count)
        return true
      }
      if kind == .text && !(isASCII && validator.isComplete) && !validator.validate(bytes) { return false }
      // Grows with what came, not to the length that the header claims: a claim costs the client nothing.
      let room = room(for: bytes.count, of: frame)
      room.copyMemory(from: source, byteCount: bytes.count)
      messageCount += bytes.count
      return true
    }

    func endFrame() {
      frame = nil
      received = 0
    }

    /// The payload of the control frame that just ended.
    func controlPayload(count: Int) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: scratch + FrameHeader.sizeMax, count: count)
    }

    /// The message is complete; its bytes stay until this object goes. Nil when it ends inside a character.
    func endMessage() -> (MessageKind, UnsafeRawBufferPointer)? {
      guard let kind, validator.isComplete else { return nil }
      self.kind = nil
      return (kind, UnsafeRawBufferPointer(start: message ?? scratch, count: messageCount))
    }

    /// Room for the next `count` bytes of `frame` behind the message.
    private func room(for count: Int, of frame: FrameHeader) -> UnsafeMutableRawPointer {
      let needed = messageCount + count
      if let message, needed <= messageCapacity { return message + messageCount }
      // At most twice what came; exactly the message where its end is known.
      let whole = frame.isFinal ? messageCount + (frame.length - received) : Int.max
      let larger = min(needed * 2, whole)
      let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      if let message {
        moved.copyMemory(from: message, byteCount: messageCount)
        message.deallocate()
      }
      message = moved
      messageCapacity = larger
      return moved + messageCount
    }
  }
}
