import Testing

@testable import DOGEngine

@Suite struct SHA1Tests {
  private static func hex(_ message: [UInt8]) -> String {
    SHA1.hash(message).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// FIPS 180 and RFC 3174.
  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", "a49b2446a02c645bf419f995b67091253a04a259"
    ),
  ])
  func `published vectors`(_ message: String, _ hash: String) {
    #expect(Self.hex([UInt8](message.utf8)) == hash)
  }

  @Test func `lengths around the padding's edges`() {
    let hashes = [55, 56, 63, 64, 65, 119, 120].map { Self.hex([UInt8](repeating: 0x61, count: $0)) }
    #expect(
      hashes == [
        "c1c8bbdc22796e28c0e15163d20899b65621d65a",
        "c2db330f6083854c99d4b5bfb6e8f29f201be699",
        "03f09f5b158a7a8cdad920bddc29b81c18a551f5",
        "0098ba824b5c16427bd7a1122a5a442a25ec644d",
        "11655326c708d70319be2610e8a57d9a5b959d3b",
        "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56",
        "f34c1488385346a55709ba056ddd08280dd4c6d6",
      ])
  }
}
