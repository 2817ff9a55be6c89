/// How a Shard class compresses (RFC 7692); dog.h tells each member's meaning.
public struct DeflateSettings: Sendable {
  public var level = 1
  public var windowBits = 15
  public var clientWindowBits = 15
  public var keepsClientContext = false
  public var bytesMin = 64

  public init() {}

  var isValid: Bool {
    (1...9).contains(level) && (9...15).contains(windowBits) && (8...15).contains(clientWindowBits)
      && (0...1 << 30).contains(bytesMin)
  }
}
