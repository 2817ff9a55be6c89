import DOGEngine

extension StringProtocol {
  /// The part before the first `mark` and the part behind it: all and nothing where there is none.
  func cut(at mark: Character) -> (String, String) {
    guard let place = firstIndex(of: mark) else { return (String(self), "") }
    return (String(self[..<place]), String(self[index(after: place)...]))
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    var text = String(self)
    return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
  }
}

extension HTTPRequest {
  func text(ofQuery name: String) -> String { query(name).map { String(decoding: $0, as: UTF8.self) } ?? "" }
  func text(ofHeader name: String) -> String { header(name).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  /// "room", "a", "info" of "/room/a/info".
  var segments: [String] { path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init) }
}

extension RequestHandle {
  @discardableResult
  func respond(_ status: Int, _ text: String) -> Status {
    respond(status: status, headers: [HTTPHeader(name: "Content-Type", value: "text/plain")], body: text)
  }
}

extension Status {
  /// For what was to go well: an error of the handler.
  func check() throws { if !isOK { throw self } }
}
