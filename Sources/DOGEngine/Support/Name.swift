/// A short byte string that names something: a uid, a Gateway, a Shard. Compared byte for byte: for Swift's `String`
/// two encodings of one accented letter would be the same identity.
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
  /// Why the host's `text`, the value of `member`, is not a name; nil if it is one.
  static func fault(of text: String, as member: String) -> String? {
    guard Name(text) == nil else { return nil }
    return "\(member) is not 1 to \(bytesMax) bytes of UTF-8 without control characters: \"\(text)\""
  }

  /// Of hexadecimal digits, which need no check.
  init(hex digits: [UInt8]) { bytes = digits }
}
