import COpenSSL

/// One connection's TLS, between two sorts of bytes: `feed` takes what the network sent, `read` gives what it says;
/// what goes out collects in the buffers of the loop. Does no I/O and has no clock.
///
/// DESIGN. OpenSSL reads and writes through a BIO of our own, not through its memory BIOs: it takes the ciphertext from
/// where the kernel put it, and what is kept between two reads is in OpenSSL's record buffer alone, which goes when it
/// is empty. So an idle connection holds no buffer at all.
///
/// `@unchecked Sendable`: it moves with its connection, and each loop uses it alone.
final class TLSSession: @unchecked Sendable {
  enum Progress {
    /// All input is used up.
    case needMore
    case done
    /// In words for the log. An alert for the peer may be in the buffers.
    case failed(String)
  }

  enum Reading {
    /// The buffer is full; there may be more.
    case full
    /// All input is used up.
    case needMore
    /// The peer has sent its close_notify.
    case ended
    case failed(String)
  }

  /// Of the loop that it lives on.
  var buffers: TLSBuffers
  private let ssl: OpaquePointer
  /// OpenSSL calls it back to choose a certificate.
  private let context: TLSContext
  /// What the network sent and OpenSSL has not taken: borrowed within `feed`, else the rest of it in `kept`.
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)
  private var kept: [UInt8] = []
  /// How many of the first bytes of `kept` OpenSSL has taken.
  private var keptStart = 0
  /// The first fatal error: OpenSSL may not be called after it.
  private var fault: String?
  private var isEstablished = false

  init(context: TLSContext, buffers: TLSBuffers) throws(Status) {
    guard let ssl = context.makeSSL() else { throw .outOfMemory }
    guard let bio = TLSSession.bioMethod.flatMap({ BIO_new($0) }) else {
      SSL_free(ssl)
      throw .outOfMemory
    }
    self.ssl = ssl
    self.context = context
    self.buffers = buffers
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    // Takes the BIO over, for both directions.
    SSL_set_bio(ssl, bio, bio)
    SSL_set_accept_state(ssl)
  }

  deinit { SSL_free(ssl) }

  // MARK: In

  /// Lends it bytes to read, until `keepInput`.
  func feed(_ bytes: UnsafeRawBufferPointer) {
    if kept.isEmpty { input = bytes } else { kept.append(contentsOf: bytes) }
  }

  /// Copies what is left of the bytes that it was lent.
  func keepInput() {
    if !input.isEmpty { kept = [UInt8](input) }
    input = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// There may be something to read without another byte from the network: plaintext, a fault, or a close_notify that
  /// came before the stream moved to another loop.
  var hasPending: Bool {
    fault != nil || !kept.isEmpty || !input.isEmpty || SSL_has_pending(ssl) == 1
      || SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0
  }

  func handshake() -> Progress {
    if let fault { return .failed(fault) }
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 {
      isEstablished = true
      return .done
    }
    guard SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ else { return .needMore }
    let verified = SSL_get_verify_result(ssl)
    var reason = TLSError.take()
    if verified != Int(X509_V_OK) { reason += ": " + String(cString: X509_verify_cert_error_string(verified)) }
    fault = reason
    return .failed(reason)
  }

  /// Fills `buffer` as far as there is anything to read.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, Reading) {
    if let fault { return (0, .failed(fault)) }
    var count = 0
    while count < buffer.count {
      ERR_clear_error()
      var size = 0
      let result = SSL_read_ex(ssl, buffer.baseAddress?.advanced(by: count), buffer.count - count, &size)
      guard result != 1 else {
        count += size
        continue
      }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ: return (count, .needMore)
      case SSL_ERROR_ZERO_RETURN: return (count, .ended)
      default:
        let reason = TLSError.take()
        fault = reason
        return (count, .failed(reason))
      }
    }
    return (count, .full)
  }

  /// The client certificate that the handshake has verified, by its subject.
  var certificateSubject: String? {
    guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let certificate = SSL_get0_peer_certificate(ssl) else {
      return nil
    }
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(bio) }
    guard cssl_print_subject(bio, certificate) >= 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(bio))
    let count = BIO_read(bio, &bytes, Int32(clamping: bytes.count))
    return String(decoding: bytes.prefix(Int(max(count, 0))), as: UTF8.self)
  }

  // MARK: Out

  /// One record, of at most `TLSBuffers.recordBytesMax` bytes. False: the connection is lost.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard fault == nil else { return false }
    ERR_clear_error()
    var written = 0
    // The BIO takes all, so it is all or nothing.
    guard SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written) == 1 else {
      fault = TLSError.take()
      return false
    }
    assert(written == bytes.count)
    return true
  }

  /// Writes close_notify, once, unless the handshake is not over or something failed.
  func writeCloseNotify() {
    guard isEstablished, fault == nil, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
    ERR_clear_error()
    if SSL_shutdown(ssl) < 0 { fault = TLSError.take() }
  }

  // MARK: The BIO

  private func takeInput(_ target: UnsafeMutableRawBufferPointer) -> Int {
    if !input.isEmpty {
      let size = min(input.count, target.count)
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<size]))
      input = UnsafeRawBufferPointer(rebasing: input[size...])
      return size
    }
    guard !kept.isEmpty else { return 0 }
    let size = min(kept.count - keptStart, target.count)
    kept.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[keptStart..<keptStart + size])) }
    keptStart += size
    if keptStart == kept.count {
      kept = []
      keptStart = 0
    }
    return size
  }

  /// Made once for the process. Nil: out of memory.
  private nonisolated(unsafe) static let bioMethod: OpaquePointer? = {
    let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = BIO_meth_new(type, "dog") else { return nil }
    BIO_meth_set_read(method) { bio, target, count in
      guard let target, count > 0, let session = TLSSession.of(bio) else { return -1 }
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      let size = session._withUnsafeGuaranteedRef {
        $0.takeInput(UnsafeMutableRawBufferPointer(start: target, count: Int(count)))
      }
      guard size > 0 else {
        BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return -1
      }
      return Int32(truncatingIfNeeded: size)
    }
    BIO_meth_set_write(method) { bio, source, count in
      guard let source, count > 0, let session = TLSSession.of(bio) else { return -1 }
      session._withUnsafeGuaranteedRef {
        $0.buffers.append(UnsafeRawBufferPointer(start: source, count: Int(count)))
      }
      return count
    }
    // OpenSSL flushes behind each flight; there is nothing else that it may ask for.
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()

  private static func of(_ bio: OpaquePointer?) -> Unmanaged<TLSSession>? {
    BIO_get_data(bio).map { Unmanaged<TLSSession>.fromOpaque($0) }
  }
}
