import Glibc

/// A short byte string that names something: a uid, a Gateway, a Shard. Compared byte for byte: for Swift's `String`
/// two encodings of one accented letter would be the same identity.
public struct Name: Hashable, Sendable, CustomStringConvertible {
  public static var bytesMax: Int { 256 }

  public let bytes: [UInt8]

  /// Nil unless the bytes are 1 to `bytesMax` of UTF-8 without control characters.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count <= Name.bytesMax else { return nil }
    self.init([UInt8](bytes))
  }

  private init?(_ bytes: [UInt8]) {
    guard bytes.withUnsafeBytes({ Name.isValid($0) }) else { return nil }
    self.bytes = bytes
  }

  /// Of bytes that were found valid.
  init(valid bytes: UnsafeRawBufferPointer) {
    assert(Name.isValid(bytes))
    self.bytes = [UInt8](unsafeUninitializedCapacity: bytes.count) { room, count in
      UnsafeMutableRawBufferPointer(room).copyMemory(from: bytes)
      count = bytes.count
    }
  }

  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !bytes.isEmpty, bytes.count <= Name.bytesMax else { return false }
    let makeup = ASCII.makeup(of: bytes)
    return !makeup.hasControl && (makeup.isASCII || String(validating: bytes, as: UTF8.self) != nil)
  }

  public static func == (one: Name, other: Name) -> Bool {
    one.bytes.withUnsafeBytes { other.isMade(of: $0) }
  }

  @inline(__always)
  func isMade(of others: UnsafeRawBufferPointer) -> Bool {
    bytes.withUnsafeBytes { bytes in
      guard bytes.count == others.count, let one = bytes.baseAddress, let other = others.baseAddress else {
        return bytes.count == others.count
      }
      return one == other || memcmp(one, other, bytes.count) == 0
    }
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
