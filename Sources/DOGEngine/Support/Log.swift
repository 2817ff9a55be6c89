/// How much a line of the log matters. The numbers are dog.h's.
public enum LogLevel: Int32, Sendable, Comparable, CaseIterable {
  case error = 1
  case warn = 2
  case info = 3
  case debug = 4

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Where the engine's lines go: to the host, or nowhere. Each is one line, whatever was put into it. Any thread.
struct Log: Sendable {
  let level: LogLevel
  let write: (@Sendable (LogLevel, String) -> Void)?

  @inline(__always)
  func callAsFunction(_ level: LogLevel, _ line: @autoclosure () -> String) {
    guard let write, level <= self.level else { return }
    write(level, LogText.line(line()))
  }
}
