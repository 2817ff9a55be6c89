import Testing

@testable import DOGEngine

@Suite struct Base64Tests {
  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `the RFC's vectors`(_ plain: String, _ text: String) {
    #expect(Base64.encode([UInt8](plain.utf8)) == [UInt8](text.utf8))
    #expect(Base64.decodedCount([UInt8](text.utf8)) == plain.utf8.count)
  }

  @Test func `every digit is used`() {
    let bytes = (0..<64).map { UInt8($0 << 2) }
    let firstDigits = bytes.map { Base64.encode([$0])[0] }
    #expect(
      String(decoding: firstDigits, as: UTF8.self) == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    )
  }

  @Test(arguments: ["Z", "Zg", "Zg=", "Z===", "====", "Zm9v====", "Zm=v", "Zm9_", "Zm 9", "Zm9v\n"])
  func `what is not Base64 has no length`(_ text: String) {
    #expect(Base64.decodedCount([UInt8](text.utf8)) == nil)
  }
}
