/// RFC 6455, section 5.6: a message is text, which is valid UTF-8, or binary.
public enum MessageKind: UInt8, Sendable, BitwiseCopyable {
  case text = 1
  case binary = 2
}
