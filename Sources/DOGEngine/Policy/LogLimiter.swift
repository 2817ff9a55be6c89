/// Limits the lines that an outsider can cause at will, so that an attack can neither fill a disk nor keep other lines
/// out of the log. Lives on one worker.
///
/// DESIGN. All lines of a second share a small budget, which a flood of one kind uses up. But each topic (a line of the
/// source, and a reason) may write a line every ten seconds, whatever the others do. The source has a fixed number of
/// topics. The next line of a topic says how many were left out.
struct LogLimiter {
  struct Topic: Hashable {
    let place: UInt
    let line: UInt
    let reason: Int
  }

  private struct Told {
    var at: UInt64
    var suppressed = 0
  }

  private static let linesPerSecond = 10
  private static let topicPeriodMs: UInt64 = 10_000
  /// More topics than the source can have: those past it share one.
  private static let topicsMax = 256

  private var second: UInt64 = 0
  private var lines = 0
  private var told: [Topic: Told] = [:]

  /// Nil: keep quiet. Else how many lines of this topic were kept back before this one.
  mutating func admit(_ topic: Topic, now: UInt64) -> Int? {
    if now / 1000 != second {
      second = now / 1000
      lines = 0
    }
    let isKnown = told[topic] != nil || told.count < LogLimiter.topicsMax
    let topic = isKnown ? topic : Topic(place: 0, line: 0, reason: 0)
    let before = told[topic]
    let isDue = before.map { now >= $0.at + LogLimiter.topicPeriodMs } ?? true
    guard isDue || lines < LogLimiter.linesPerSecond else {
      told[topic]?.suppressed += 1
      return nil
    }
    lines += 1
    told[topic] = Told(at: now)
    return before?.suppressed ?? 0
  }
}
