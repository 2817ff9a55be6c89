/// How many connections each address has open, over all workers. Any thread.
///
/// DESIGN. Touched only when a connection comes and when it ends. The table has stripes with a lock each, so that
/// workers rarely wait for one another. An address without connections has no entry, so there are at most as many
/// entries as connections. A `Place` stands for one connection in a count. It is given back when its last reference
/// goes, on whatever worker: so a connection that moves takes it along, and nobody can give it back twice.
final class AddressCounts: Sendable {
  /// What is counted as one address: an IPv4 address, or the first 64 bits of IPv6, because a customer gets at least a
  /// /64.
  struct Key: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(_ address: IPAddress) {
      high = address.high
      low = address.isV4 ? address.low : 0
    }

    fileprivate var stripe: Int {
      let mixed = (high ^ low) &* 0x9E37_79B9_7F4A_7C15
      return Int(truncatingIfNeeded: mixed >> 60)
    }
  }

  /// One connection's share of its address's count.
  final class Place: Sendable {
    private let counts: AddressCounts
    private let key: Key

    fileprivate init(_ counts: AddressCounts, _ key: Key) {
      self.counts = counts
      self.key = key
    }

    deinit { counts.leave(key) }
  }

  let max: Int
  private let stripes: [Lock<[Key: Int]>]

  init(max: Int) {
    self.max = max
    stripes = (0..<16).map { _ in Lock([:]) }
  }

  /// Nil: this address has `max` connections.
  func enter(_ address: IPAddress) -> Place? {
    let key = Key(address)
    let isIn = stripes[key.stripe].withLock { counts in
      let count = counts[key] ?? 0
      guard count < max else { return false }
      counts[key] = count + 1
      return true
    }
    return isIn ? Place(self, key) : nil
  }

  private func leave(_ key: Key) {
    stripes[key.stripe].withLock { counts in
      guard let count = counts[key] else { return }
      counts[key] = count > 1 ? count - 1 : nil
    }
  }

  /// Connections counted, and addresses that have any.
  var totals: (connections: Int, addresses: Int) {
    stripes.reduce((0, 0)) { sum, stripe in
      stripe.withLock { (sum.0 + $0.values.reduce(0, +), sum.1 + $0.count) }
    }
  }
}
