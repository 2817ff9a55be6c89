/// What the TLS connections of one loop share: where plaintext is read to and where ciphertext is collected. Used
/// within one call, and empty between two.
final class TLSBuffers {
  static let plaintextBytes = 64 * 1024
  /// The most that one record carries (RFC 8446, section 5.1).
  static let recordBytesMax = 16 * 1024

  let plaintext = UnsafeMutableRawBufferPointer.allocate(byteCount: plaintextBytes, alignment: 64)
  /// Small pieces that go out as one record.
  let record = UnsafeMutableRawBufferPointer.allocate(byteCount: recordBytesMax, alignment: 64)
  /// What OpenSSL has written and the kernel was not given yet.
  private(set) var ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * recordBytesMax, alignment: 64)
  private(set) var ciphertextCount = 0

  deinit {
    plaintext.deallocate()
    record.deallocate()
    ciphertext.deallocate()
  }

  func append(_ bytes: UnsafeRawBufferPointer) {
    if ciphertext.count - ciphertextCount < bytes.count { grow(by: bytes.count) }
    UnsafeMutableRawBufferPointer(rebasing: ciphertext[ciphertextCount...]).copyMemory(from: bytes)
    ciphertextCount += bytes.count
  }

  /// Calls `body` with what was collected, which is gone afterwards.
  func takeCiphertext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    defer { ciphertextCount = 0 }
    return body(UnsafeRawBufferPointer(rebasing: ciphertext[..<ciphertextCount]))
  }

  /// For a handshake with a long chain of certificates; a record always fits.
  private func grow(by count: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * (ciphertext.count + count), alignment: 64)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: ciphertext[..<ciphertextCount]))
    ciphertext.deallocate()
    ciphertext = larger
  }
}
