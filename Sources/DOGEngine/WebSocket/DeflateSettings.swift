/// How a Shard class compresses (RFC 7692); dog.h tells each member's meaning.
public struct DeflateSettings: Sendable {
  public var level = 1
  public var windowBits = 15
  public var clientWindowBits = 15
  public var keepsClientContext = false
  public var bytesMin = 64

  public init() {}

  /// What is wrong with it, by dog.h's name of the member; nil if all is well.
  var fault: String? {
    let members: [(String, Int, ClosedRange<Int>)] = [
      ("deflate_level", level, 1...9),
      ("deflate_window_bits", windowBits, 9...15),
      ("deflate_client_window_bits", clientWindowBits, 8...15),
      ("deflate_bytes_min", bytesMin, 0...1 << 30),
    ]
    for (name, value, range) in members where !range.contains(value) {
      return "\(name) is \(value), not \(range.lowerBound) to \(range.upperBound)"
    }
    return nil
  }
}
