import COpenSSL

/// The certificates and rules of a TLS listener: one SSL_CTX for each certificate, otherwise alike. The name that the
/// client asks for (SNI) chooses one.
///
/// `@unchecked Sendable`: an SSL_CTX that nobody changes any more may be used by several threads.
final class TLSContext: @unchecked Sendable {
  private var contexts: [OpaquePointer] = []
  private var names = CertificateNames()

  /// AEAD with forward secrecy. TLS 1.3 has no others.
  private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
  /// 112 bits: RSA from 2048 bits, no SHA-1. Ours, so that the system's configuration cannot lower it.
  private static let securityLevel: Int32 = 2

  /// Reads the files.
  init(_ settings: TLSSettings) throws(TLSFault) {
    // If the host exits while workers run, OpenSSL must not be torn down under them.
    OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
    ERR_clear_error()
    for (index, certificate) in settings.certificates.enumerated() {
      guard let context = SSL_CTX_new(TLS_server_method()) else { throw TLSFault(reason: TLSError.take()) }
      contexts.append(context)
      try setRules(context)
      try load(certificate, into: context)
      for name in TLSContext.hostNames(of: context) { names.add(name, certificate: index) }
      try setClientCertificate(settings, of: context)
    }
  }

  deinit { for context in contexts { SSL_CTX_free(context) } }

  /// The SSL of a connection. It has the default certificate until the client asks for a name.
  func makeSSL() -> OpaquePointer? {
    ERR_clear_error()
    return contexts.first.flatMap { SSL_new($0) }
  }

  private func setRules(_ context: OpaquePointer) throws(TLSFault) {
    cssl_set_options(context)
    cssl_release_buffers(context)
    cssl_keep_no_sessions(context)
    SSL_CTX_set_security_level(context, TLSContext.securityLevel)
    // A session is resumed only by a context of the same name. Without a name OpenSSL refuses sessions with a client
    // certificate.
    let name = Array("dog".utf8)
    guard cssl_set_min_version(context, TLS1_2_VERSION) == 1,
      SSL_CTX_set_cipher_list(context, TLSContext.ciphers) == 1,
      SSL_CTX_set_session_id_context(context, name, UInt32(name.count)) == 1
    else { throw TLSFault(reason: TLSError.take()) }
    SSL_CTX_set_alpn_select_cb(
      context,
      { _, selected, selectedCount, offered, offeredCount, _ in
        // RFC 7301, section 3.2: the server's choice, or the alert no_application_protocol.
        var choice: UnsafeMutablePointer<UInt8>?
        let result = SSL_select_next_proto(
          &choice, selectedCount, TLSContext.protocols.utf8Start, UInt32(TLSContext.protocols.utf8CodeUnitCount),
          offered, offeredCount)
        guard result == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        selected?.pointee = UnsafePointer(choice)
        return SSL_TLSEXT_ERR_OK
      }, nil)
    // Each session keeps its TLSContext, so the pointer is good when OpenSSL calls.
    cssl_on_servername(
      context,
      { ssl, _, argument in
        guard let ssl, let argument, let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else {
          return SSL_TLSEXT_ERR_NOACK
        }
        Unmanaged<TLSContext>.fromOpaque(argument)._withUnsafeGuaranteedRef {
          $0.choose(for: String(cString: name), ssl)
        }
        return SSL_TLSEXT_ERR_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// A length, then the name; the best first.
  private static let protocols: StaticString = "\u{8}http/1.1\u{8}http/1.0"

  private func choose(for host: String, _ ssl: OpaquePointer) {
    guard let index = names.certificate(for: host), index > 0 else { return }
    SSL_set_SSL_CTX(ssl, contexts[index])
  }

  // MARK: Files

  private func load(_ certificate: Certificate, into context: OpaquePointer) throws(TLSFault) {
    // OpenSSL would ask on the terminal for the password of an encrypted key.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, asked in
      asked?.assumingMemoryBound(to: Bool.self).pointee = true
      return -1
    }
    guard cssl_use_certificate_chain(context, certificate.certificateFile) == 1 else {
      throw TLSFault(reason: "\(certificate.certificateFile): \(TLSError.take())")
    }
    var isEncrypted = false
    let isRead = withUnsafeMutablePointer(to: &isEncrypted) { asked in
      cssl_use_private_key(context, certificate.keyFile, asked) == 1
    }
    guard isRead, SSL_CTX_check_private_key(context) == 1 else {
      let reason = TLSError.take()
      throw TLSFault(reason: "\(certificate.keyFile): \(isEncrypted ? "the key is encrypted" : reason)")
    }
  }

  private func setClientCertificate(_ settings: TLSSettings, of context: OpaquePointer) throws(TLSFault) {
    guard settings.clientCertificate != .none, let file = settings.clientAuthoritiesFile else { return }
    guard cssl_trust_authorities(context, file) == 1 else { throw TLSFault(reason: "\(file): \(TLSError.take())") }
    let required = settings.clientCertificate == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nil)
  }

  /// The DNS names of the certificate's subjectAltName.
  private static func hostNames(of context: OpaquePointer) -> [String] {
    guard let certificate = SSL_CTX_get0_certificate(context),
      let extensionPointer = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil)
    else { return [] }
    let names = OpaquePointer(extensionPointer)
    defer { GENERAL_NAMES_free(names) }
    var found: [String] = []
    for index in 0..<max(OPENSSL_sk_num(names), 0) {
      guard let name = OPENSSL_sk_value(names, index) else { continue }
      var type: Int32 = 0
      let value = GENERAL_NAME_get0_value(name.assumingMemoryBound(to: GENERAL_NAME.self), &type)
      guard type == GEN_DNS, let value else { continue }
      let text = UnsafePointer(value.assumingMemoryBound(to: ASN1_STRING.self))
      let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
      found.append(String(decoding: bytes, as: UTF8.self))
    }
    return found
  }
}
