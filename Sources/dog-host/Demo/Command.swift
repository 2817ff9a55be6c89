/// What a line of chat asks for: words to all, or a command in front of them.
enum Command: Equatable {
  case all(String)
  case group(String)
  case whisper(name: String, String)
  case unknown(String)

  /// Nil when there are no words.
  init?(_ line: String) {
    guard line.hasPrefix("/") else {
      guard let words = Command.words(line[...]) else { return nil }
      self = .all(words)
      return
    }
    let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard let command = parts.first else { return nil }
    let rest = parts.count > 1 ? parts[1] : ""
    switch command {
    case "/a", "/all":
      guard let words = Command.words(rest) else { return nil }
      self = .all(words)
    case "/g", "/group":
      guard let words = Command.words(rest) else { return nil }
      self = .group(words)
    case "/w", "/msg":
      let target = rest.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
      guard target.count == 2, let words = Command.words(target[1]) else { return nil }
      self = .whisper(name: String(target[0]), words)
    default: self = .unknown(String(command))
    }
  }

  private static func words(_ text: Substring) -> String? {
    text.allSatisfy(\.isWhitespace) ? nil : String(text)
  }
}
