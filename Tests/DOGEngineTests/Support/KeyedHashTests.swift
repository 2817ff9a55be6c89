import Testing

@testable import DOGEngine

@Suite struct KeyedHashTests {
  private func hash(_ bytes: [UInt8], _ hash: KeyedHash) -> UInt64 { bytes.withUnsafeBytes { hash.hash($0) } }

  /// Of the bytes 0, 1, 2, ... with a key of zeros, as Python 3.11 has them with PYTHONHASHSEED=0.
  @Test(
    arguments: [
      (1, 0x68a9_1412_8e01_e473), (7, 0x2f09_8ab0_c751_325a), (8, 0xead4_11e6_7ebe_2eea), (9, 0x7592_7f9d_9512_4362),
      (15, 0xf30e_b725_bb91_c9ea), (16, 0x8972_1884_33a5_c5b7), (17, 0x4883_c49a_2c00_9c1d),
    ] as [(Int, UInt64)])
  func `it is SipHash-1-3`(_ count: Int, _ expected: UInt64) {
    #expect(hash((0..<count).map { UInt8($0) }, KeyedHash(key: (0, 0))) == expected)
  }

  @Test func `another key gives other hashes`() {
    let bytes = [UInt8]("room 1".utf8)
    #expect(hash(bytes, KeyedHash(key: (0, 0))) != hash(bytes, KeyedHash(key: (0, 1))))
    #expect(hash(bytes, KeyedHash(key: (0, 0))) != hash(bytes, KeyedHash(key: (1, 0))))
    #expect(hash(bytes, .shared) == hash(bytes, .shared))
  }
}
