/// One message as it goes out: a frame of its bytes, plain or compressed by permessage-deflate. The payload is
/// borrowed.
struct MessageFrame {
  let opcode: Opcode
  let isCompressed: Bool
  let payload: UnsafeRawBufferPointer

  @inline(__always)
  init(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, isCompressed: Bool = false) {
    opcode = Opcode(kind)
    self.isCompressed = isCompressed
    self.payload = payload
  }

  @inline(__always)
  var size: Int { FrameEncoder.frameSize(payload: payload.count) }

  @inline(__always)
  func write(to destination: UnsafeMutableRawPointer) {
    FrameEncoder.write(opcode: opcode, isCompressed: isCompressed, payload: payload, to: destination)
  }

  /// Makes the frames of one message. It keeps the last compressed form: encodings that share it, asked for one after
  /// another in the order of their windows, are compressed once.
  struct Maker {
    private let kind: MessageKind
    private let message: UnsafeRawBufferPointer
    private let deflaters: DeflaterPool
    private let settings: DeflateSettings
    private var last: (windowBits: Int, compressed: UnsafeRawBufferPointer?)?

    init(
      _ kind: MessageKind, _ message: UnsafeRawBufferPointer, _ deflaters: DeflaterPool, _ settings: DeflateSettings
    ) {
      self.kind = kind
      self.message = message
      self.deflaters = deflaters
      self.settings = settings
    }

    /// Good until the next call, and as long as nothing else is compressed on this worker. So the host must not be
    /// called while a maker is in use.
    mutating func frame(for encoding: FrameEncoding) -> MessageFrame {
      guard !encoding.isPlain else { return MessageFrame(kind, message) }
      let bits = encoding.deflateBits(forMessageOf: message.count)
      if last?.windowBits != bits {
        last = (bits, deflaters.compress(message, windowBits: bits, settings))
      }
      guard let compressed = last?.compressed else { return MessageFrame(kind, message) }
      return MessageFrame(kind, compressed, isCompressed: true)
    }
  }
}

/// A message on its way to other workers, in every encoding that is in use there: made once for all of them.
final class EncodedMessage: Sendable {
  let kind: MessageKind
  let plain: SharedFrame
  /// The bytes of all its frames.
  let bytes: Int
  private let payloadOffset: Int
  /// By bits of the window, less 8; `plain` itself if compression gains nothing. Nil if it was not asked for.
  private let compressed: [SharedFrame?]

  init(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, for wanted: FrameEncodingSet, _ deflaters: DeflaterPool,
    _ settings: DeflateSettings
  ) {
    self.kind = kind
    payloadOffset = FrameEncoder.headerSize(payload: payload.count)
    let frame = MessageFrame(kind, payload)
    let plain = SharedFrame(size: frame.size) { frame.write(to: $0) }
    var maker = MessageFrame.Maker(kind, payload, deflaters, settings)
    var made: [SharedFrame?] = Array(repeating: nil, count: 8)
    var bytes = plain.count
    var last = (bits: -1, frame: plain)
    for bits in FrameEncoding.compressed where wanted.contains(FrameEncoding(windowBits: bits)) {
      let encoding = FrameEncoding(windowBits: bits)
      let deflateBits = encoding.deflateBits(forMessageOf: payload.count)
      if last.bits != deflateBits {
        let frame = maker.frame(for: encoding)
        let shared = frame.isCompressed ? SharedFrame(size: frame.size) { frame.write(to: $0) } : plain
        if frame.isCompressed { bytes += shared.count }
        last = (deflateBits, shared)
      }
      made[bits - 8] = last.frame
    }
    self.plain = plain
    self.bytes = bytes
    compressed = made
  }

  func frame(for encoding: FrameEncoding) -> SharedFrame? {
    encoding.isPlain ? plain : compressed[encoding.windowBits - 8]
  }

  func withPayload(_ body: (UnsafeRawBufferPointer) -> Void) {
    plain.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[payloadOffset...])) }
  }
}
