extension FrameParser {
  /// What a parser keeps while something is incomplete: a header split between reads, the payload of a frame, a message
  /// in fragments. A control frame may come in pieces between the fragments of a message, so it has room of its own.
  final class Assembly {
    /// Why a message is refused.
    enum Fault {
      case notUTF8
      case notDeflate
      case tooBig
      case noMemory
    }

    private let messageBytesMax: Int
    private let inflation: Inflation?
    /// Set from the first frame of a compressed message to its end.
    private var inflater: Inflater?
    /// The frame whose payload is being received; nil while a header is awaited.
    private(set) var frame: FrameHeader?
    /// How much of its payload came; 0 without a frame.
    private(set) var received = 0
    /// The kind of the incomplete message; nil if there is none.
    private(set) var kind: MessageKind?
    /// The kind of the message that ended last.
    private(set) var endedKind = MessageKind.binary
    /// Bytes of the incomplete message, over all its frames so far.
    private(set) var messageCount = 0
    /// The same before they were inflated.
    private(set) var payloadCount = 0

    /// How many of the bytes that inflating has added `takeInflated` has reported.
    private var inflatedTold = 0

    /// The state of the incomplete text; every frame but the last may end inside a character.
    private var validator = UTF8Validator()
    /// Has `messageCapacity` bytes; nil until the first byte of a message.
    private var room: UnsafeMutableRawPointer?
    private(set) var messageCapacity = 0
    /// Room for the longest header and, behind it, for the longest payload of a control frame.
    private let scratch: UnsafeMutableRawPointer
    /// Bytes of a header that is not complete.
    private var headerCount = 0

    init(messageBytesMax: Int, inflation: Inflation?) {
      self.messageBytesMax = messageBytesMax
      self.inflation = inflation
      scratch = .allocate(byteCount: FrameHeader.sizeMax + FrameHeader.controlPayloadMax, alignment: 16)
    }

    deinit {
      scratch.deallocate()
      room?.deallocate()
      giveInflater()
    }

    /// True if a header began in an earlier read and is not complete.
    var isWithinHeader: Bool { headerCount > 0 }

    /// Whether the incomplete message is compressed.
    var isCompressed: Bool { inflater != nil }

    /// True if nothing is incomplete: everything that it still holds was handed out.
    var isEmpty: Bool { frame == nil && kind == nil && headerCount == 0 }

    /// About how much memory it takes.
    var bytesHeld: Int { Assembly.bytesMin + messageCapacity + (inflater?.bytesHeld ?? 0) }

    /// What an assembly without a message takes: the object and its scratch.
    private static let bytesMin = 384

    /// By how many bytes inflating has made the payload longer since the last call.
    func takeInflated() -> Int {
      let new = max(messageCount - payloadCount - inflatedTold, 0)
      inflatedTold += new
      return new
    }

    /// Goes on with the header of the next frame.
    func header(from input: inout UnsafeMutableRawBufferPointer) -> FrameHeader.Decoded {
      while let byte = input.first {
        scratch.storeBytes(of: byte, toByteOffset: headerCount, as: UInt8.self)
        headerCount += 1
        input = UnsafeMutableRawBufferPointer(rebasing: input.dropFirst())
        switch FrameHeader.decode(
          UnsafeRawBufferPointer(start: scratch, count: headerCount), mayBeCompressed: inflation != nil)
        {
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
      if frame.isCompressed { inflater = inflation?.take() }
    }

    /// More of the frame's payload, unmasked.
    func append(_ bytes: UnsafeRawBufferPointer, isASCII: Bool) -> Fault? {
      guard let frame, let source = bytes.baseAddress else { return nil }
      defer { received += bytes.count }
      if frame.opcode.isControl {
        (scratch + FrameHeader.sizeMax + received).copyMemory(from: source, byteCount: bytes.count)
        return nil
      }
      payloadCount += bytes.count
      if let inflater { return inflate(bytes, with: inflater) }
      if kind == .text && !(isASCII && validator.isComplete) && !validator.validate(bytes) { return .notUTF8 }
      // Grows with what came, not to the length that the header announces, which costs the client nothing. At most
      // twice what came; exactly the size of the message if its end is known.
      let needed = messageCount + bytes.count
      let whole = frame.isFinal ? messageCount + (frame.length - received) : Int.max
      if needed > messageCapacity { grow(to: min(needed * 2, whole)) }
      room.map { $0 + messageCount }?.copyMemory(from: source, byteCount: bytes.count)
      messageCount += bytes.count
      return nil
    }

    func endFrame() {
      frame = nil
      received = 0
    }

    /// The payload of the control frame that just ended.
    func controlPayload(count: Int) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: scratch + FrameHeader.sizeMax, count: count)
    }

    /// The last frame of the message has ended. Unless there is a fault, `message` and `endedKind` say what it is, as
    /// long as this object lives.
    func endMessage() -> Fault? {
      if let inflater {
        if let fault = inflater.end.withUnsafeBytes({ inflate($0, with: inflater) }) { return fault }
        guard inflater.isComplete else { return .notDeflate }
        giveInflater()
      }
      guard let kind, validator.isComplete else { return .notUTF8 }
      endedKind = kind
      self.kind = nil
      return nil
    }

    var message: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: room ?? scratch, count: messageCount) }

    /// In steps that each at most double what there is, up to one byte past the limit: so a message that inflates
    /// without end is refused in time. Text is validated after each step.
    private func inflate(_ bytes: UnsafeRawBufferPointer, with inflater: Inflater) -> Fault? {
      let firstBytesMax = 16 << 10
      var input = bytes
      while true {
        if messageCount == messageCapacity {
          let wanted = room == nil ? min(max(bytes.count * 4, 256), firstBytesMax) : messageCapacity * 2
          grow(to: min(wanted, messageBytesMax + 1))
        }
        let free = UnsafeMutableRawBufferPointer(
          start: room.map { $0 + messageCount }, count: messageCapacity - messageCount)
        switch inflater.inflate(&input, into: free) {
        case .inflated(let count):
          messageCount += count
          let new = UnsafeRawBufferPointer(rebasing: free[..<count])
          if kind == .text && !validator.validate(new) { return .notUTF8 }
          guard messageCount <= messageBytesMax else { return .tooBig }
          if count < free.count { return nil }
        case .invalid: return .notDeflate
        case .noMemory: return .noMemory
        }
      }
    }

    private func giveInflater() {
      if let inflater { inflation?.give(inflater) }
      inflater = nil
    }

    private func grow(to capacity: Int) {
      let moved = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      if let room {
        moved.copyMemory(from: room, byteCount: messageCount)
        room.deallocate()
      }
      room = moved
      messageCapacity = capacity
    }
  }
}
