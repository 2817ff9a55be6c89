/// How much a line of the log matters. The numbers are dog.h's.
public enum LogLevel: Int32, Sendable, Comparable, CaseIterable {
  case error = 1
  case warn = 2
  case info = 3
  case debug = 4

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Where the engine's lines go: to the host, or nowhere. Any thread.
struct Log: Sendable {
  let level: LogLevel
  let write: (@Sendable (LogLevel, String) -> Void)?

  @inline(__always)
  func callAsFunction(_ level: LogLevel, _ line: @autoclosure () -> String) {
    guard let write, level <= self.level else { return }
    write(level, line())
  }
}

/// At most so many lines a second of what an outsider can cause at will, so that an attack cannot fill a disk; what was
/// left out is counted and said with the next line. Lives on one worker.
struct LogLimiter {
  private let linesPerSecond = 10
  private var second: UInt64 = 0
  private var lines = 0
  private var suppressed = 0

  /// Nil: keep quiet. Else how many lines were kept back before this one.
  mutating func admit(now: UInt64) -> Int? {
    if now / 1000 != second {
      second = now / 1000
      lines = 0
    }
    guard lines < linesPerSecond else {
      suppressed += 1
      return nil
    }
    lines += 1
    defer { suppressed = 0 }
    return suppressed
  }
}
