import COpenSSL

/// OpenSSL's queue of errors, one for each thread. Code that asks for the error of a call clears the queue before the
/// call, or it gets an earlier one's.
enum TLSError {
  /// Takes the first error, which is the cause of those behind it, as words: "key values mismatch".
  static func take() -> String {
    let code = ERR_get_error()
    defer { ERR_clear_error() }
    guard code != 0 else { return "no reason given" }
    if let text = ERR_reason_error_string(code) { return String(cString: text) }
    // An error of the system's has no text of OpenSSL's own.
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
