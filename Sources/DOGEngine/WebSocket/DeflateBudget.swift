/// How much one worker may still compress in this turn of its loop. A client can cause compression by sending, so the
/// time that it takes from other clients is bounded.
struct DeflateBudget {
  private let bytesMax: Int
  private(set) var bytesLeft: Int

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
    bytesLeft = bytesMax
  }

  /// How many bytes of a cheap level one byte of this level counts for.
  ///
  /// By what zlib needs for a byte at worst, over inputs that were searched for (`bench/deflate_cost.py`): about the
  /// same at levels 1 to 5, then more, because it follows longer and longer chains of possible matches.
  static func weight(ofLevel level: Int) -> Int {
    switch level {
    case ...5: 1
    case 6: 3
    case 7: 4
    case 8: 16
    default: 32
    }
  }

  /// False: so many more bytes would be too much for this turn, and nothing is spent.
  mutating func spend(_ bytes: Int, level: Int) -> Bool {
    let (cost, isHuge) = bytes.multipliedReportingOverflow(by: DeflateBudget.weight(ofLevel: level))
    guard !isHuge, cost <= bytesLeft else { return false }
    bytesLeft -= cost
    return true
  }

  mutating func renew() { bytesLeft = bytesMax }
}
