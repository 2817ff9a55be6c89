/// How many connections each address has open, over all workers. Any thread.
///
/// DESIGN. Touched when a connection comes and when it ends, and never in between. Shards under a lock each keep
/// workers out of each other's way; an address without connections has no entry, so the table is as large as the number
/// of connections at most. A `Place` is what holds a count: it is given back when its last holder lets go of it, on
/// whatever worker, so a connection that moves takes it along and nobody can give it back twice.
final class AddressCounts: Sendable {
  /// Whose connections are counted together: an IPv4 address, or the 64 bits of IPv6 that one customer has at least.
  struct Key: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    init(_ address: IPAddress) {
      high = address.high
      low = address.isV4 ? address.low : 0
    }

    fileprivate var shard: Int {
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
  private let shards: [Lock<[Key: Int]>]

  init(max: Int) {
    self.max = max
    shards = (0..<16).map { _ in Lock([:]) }
  }

  /// Nil: this address has `max` connections.
  func enter(_ address: IPAddress) -> Place? {
    let key = Key(address)
    let isIn = shards[key.shard].withLock { counts in
      let count = counts[key] ?? 0
      guard count < max else { return false }
      counts[key] = count + 1
      return true
    }
    return isIn ? Place(self, key) : nil
  }

  private func leave(_ key: Key) {
    shards[key.shard].withLock { counts in
      guard let count = counts[key] else { return }
      counts[key] = count > 1 ? count - 1 : nil
    }
  }

  /// Connections counted, and addresses that have any.
  var totals: (connections: Int, addresses: Int) {
    shards.reduce((0, 0)) { sum, shard in
      shard.withLock { (sum.0 + $0.values.reduce(0, +), sum.1 + $0.count) }
    }
  }
}
