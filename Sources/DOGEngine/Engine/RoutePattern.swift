/// The path of a route, which takes all paths below it too: "/ws", or with one parameter "/tasks/:name".
///
/// Literal segments are compared with the path as it was sent, byte for byte; the parameter is percent-decoded, once. A
/// slash at the end of a pattern does not count: "/ws/" is "/ws", and "/" takes every path.
struct RoutePattern: Sendable {
  struct Match {
    let parameter: Name?
  }

  private enum Segment: Equatable {
    case literal([UInt8])
    case parameter
  }

  private let segments: [Segment]

  /// Nil unless it begins with '/' and has at most one parameter, which has a name.
  init?(_ pattern: String) {
    var rest = [UInt8](pattern.utf8)[...]
    guard rest.popFirst() == UInt8(ascii: "/") else { return nil }
    if rest.last == UInt8(ascii: "/") { rest.removeLast() }
    guard !rest.isEmpty else {
      segments = []
      return
    }
    segments = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
      $0.first == UInt8(ascii: ":") && $0.count > 1 ? .parameter : .literal([UInt8]($0))
    }
    guard segments.count(where: { $0 == .parameter }) <= 1, !segments.contains(.literal([UInt8(ascii: ":")])) else {
      return nil
    }
  }

  var hasParameter: Bool { segments.contains(.parameter) }

  /// Nil if the path is not below the pattern, or the parameter is not a name: empty, too long, not UTF-8, malformed.
  func match(path: UnsafeRawBufferPointer) -> Match? {
    var rest = path[...]
    guard rest.first == UInt8(ascii: "/") else { return nil }
    var parameter: Name?
    for segment in segments {
      guard rest.popFirst() == UInt8(ascii: "/") else { return nil }
      let part = rest.prefix { $0 != UInt8(ascii: "/") }
      switch segment {
      case .literal(let bytes):
        guard part.elementsEqual(bytes) else { return nil }
      case .parameter:
        guard let name = PercentCoding.decode(part).flatMap({ Name($0) }) else { return nil }
        parameter = name
      }
      rest = rest[part.endIndex...]
    }
    return Match(parameter: parameter)
  }
}
