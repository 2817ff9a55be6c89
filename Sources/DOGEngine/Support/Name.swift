/// A short byte string that names something: a uid, a Gateway, a Shard. Compared byte for byte: Swift's `String` would
/// hold two spellings of one accented letter for the same identity.
public struct Name: Hashable, Sendable, CustomStringConvertible {
  public static var bytesMax: Int { 256 }

  public let bytes: [UInt8]

  /// Nil unless the bytes are 1 to `bytesMax` of UTF-8 without control characters.
  public init?(_ bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= Name.bytesMax else { return nil }
    let copy = [UInt8](bytes)
    guard copy.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }), String(validating: copy, as: UTF8.self) != nil else {
      return nil
    }
    self.bytes = copy
  }

  public init?(_ string: String) { self.init(string.utf8) }

  public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension Name {
  /// Of hexadecimal digits, which need no check.
  init(hex digits: [UInt8]) { bytes = digits }
}
