/// The Shards of one cluster, by their slot in its placement, and on which workers they are. The home worker's.
struct Members {
  private enum Member {
    case none
    /// It waits for its name, or has it and starts.
    case coming(WaitingLine)
    case ready(ShardCore)
  }

  private var members: [Member] = []
  /// The coming Shards that have their name and have not started, by slot.
  private var starting: [Int: ShardCore] = [:]
  private var ids: Set<Name> = []
  /// By worker.
  private var counts: [Int]

  init(workers: Int) { counts = Array(repeating: 0, count: workers) }

  // MARK: Looking

  func isTaken(_ id: Name) -> Bool { ids.contains(id) }

  func ready(_ slot: Int) -> ShardCore? {
    guard members.indices.contains(slot), case .ready(let shard) = members[slot] else { return nil }
    return shard
  }

  func coming(_ slot: Int) -> WaitingLine? {
    guard members.indices.contains(slot), case .coming(let line) = members[slot] else { return nil }
    return line
  }

  func starting(_ slot: Int) -> ShardCore? { starting[slot] }

  func count(on worker: Int) -> Int { counts[worker] }

  /// Every slot that there was.
  var slots: Range<Int> { members.indices }

  /// The worker with the fewest Shards of this cluster, from home on: a small cluster stays on one thread, a large one
  /// uses all.
  func workerForNext(home: Int) -> Int {
    var best = home
    for step in 1..<max(counts.count, 2) {
      let index = (home + step) % counts.count
      if counts[index] < counts[best] { best = index }
    }
    return best
  }

  // MARK: A Shard's life

  /// A Shard is to come into this slot.
  mutating func begin(_ slot: Int) -> WaitingLine {
    while members.count <= slot { members.append(.none) }
    let line = WaitingLine(slot: slot)
    members[slot] = .coming(line)
    return line
  }

  /// The Shard that comes into its slot has its name and starts.
  mutating func name(_ shard: ShardCore) {
    starting[shard.slot] = shard
    ids.insert(shard.id)
    counts[shard.worker.index] += 1
  }

  /// It has started: the line of those who wait for it. Nil: it was forgotten meanwhile.
  mutating func start(_ slot: Int) -> WaitingLine? {
    guard let line = coming(slot), let shard = starting.removeValue(forKey: slot) else { return nil }
    members[slot] = .ready(shard)
    return line
  }

  /// It did not start. Its slot is still that of a Shard that comes. Nil: it was forgotten meanwhile.
  mutating func fail(_ slot: Int) -> ShardCore? {
    guard let shard = starting.removeValue(forKey: slot) else { return nil }
    forget(shard)
    return shard
  }

  /// There will be no Shard in this slot: the line of those who wait for it.
  mutating func abandon(_ slot: Int) -> WaitingLine? {
    guard let line = coming(slot) else { return nil }
    members[slot] = .none
    return line
  }

  /// The Shard in this slot is the caller's to end.
  mutating func takeOut(_ slot: Int) -> ShardCore? {
    guard let shard = ready(slot) else { return nil }
    members[slot] = .none
    forget(shard)
    return shard
  }

  private mutating func forget(_ shard: ShardCore) {
    ids.remove(shard.id)
    counts[shard.worker.index] -= 1
  }

  mutating func removeAll() {
    members = []
    starting = [:]
  }
}
