import CUV

/// An error number of the system or of libuv, in words: "permission denied (EACCES)".
struct SystemError: CustomStringConvertible {
  /// As libuv has it: negative.
  private let code: Int32

  init(errno: Int32) { code = -abs(errno) }
  init(uv: Int32) { code = uv }

  var description: String {
    func text(_ write: (Int32, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?) -> String {
      var room = [CChar](repeating: 0, count: 128)
      _ = write(code, &room, room.count)
      return String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return "\(text(uv_strerror_r)) (\(text(uv_err_name_r)))"
  }
}
