/// One sibling's part in the answer to a question.
public struct GossipResult: Sendable {
  public let shard: ShardHandle
  public let shardID: Name
  /// `.ok`: `data` is the reply. `.host`: the text it failed with. `.noHandler`, `.timedOut`, `.gone`: no data.
  public internal(set) var status: Status
  public internal(set) var data: [UInt8]
}

/// A Shard's question to all its siblings (rule S6). It collects one result from each. It lives on the asking Shard's
/// worker until the last answer, the deadline or the end of that Shard; in each case the asker is told once.
///
/// DESIGN. The question goes once to each worker that has a part of the cluster. A worker first reports which siblings
/// it asks; then each answer comes by itself. So a silent sibling is known by name and costs only its own entry. If a
/// worker has not even reported by the deadline, its siblings are taken from the engine's directory.
///
/// `@unchecked Sendable`: other workers only carry it back.
final class GossipRound: @unchecked Sendable {
  private let shard: ShardCore
  private let gossiped: @Sendable (Status, [GossipResult]) -> Void
  private var handle = Handle.none
  private let deadline: UInt64
  /// Workers that have not reported: bit i is worker i.
  private var unreported: UInt64
  private var results: [GossipResult] = []
  /// By sibling that has not answered: the index of its result.
  private var unanswered: [Handle: Int] = [:]

  private init(
    shard: ShardCore, deadline: UInt64, workers: UInt64,
    gossiped: @escaping @Sendable (Status, [GossipResult]) -> Void
  ) {
    self.shard = shard
    self.deadline = deadline
    unreported = workers
    self.gossiped = gossiped
  }

  static func begin(
    _ question: UnsafeRawBufferPointer, by shard: ShardCore, timeoutMs: UInt64,
    _ gossiped: @escaping @Sendable (Status, [GossipResult]) -> Void
  ) -> Status {
    let worker = shard.worker
    worker.assertHere()
    guard !shard.isStopped else { return .stale }
    guard question.count <= worker.options.gossipBytesMax else { return .tooBig }
    guard shard.rounds.count < worker.options.gossipsMax else { return .full }
    var others: [Worker] = []
    shard.gateway.forEachOther(than: worker) { others.append($0) }
    for other in others {
      let room = other.room(for: question.count)
      guard room == .ok else { return room }
    }
    let deadline = Worker.preciseNow + (timeoutMs > 0 ? timeoutMs : worker.options.gossipTimeoutMs)
    let asked = (others + [worker]).reduce(UInt64(0)) { $0 | 1 << UInt64($1.index) }
    let round = GossipRound(shard: shard, deadline: deadline, workers: asked, gossiped: gossiped)
    guard let handle = worker.tables.gossipRounds.insert(round, as: .gossipRound) else { return .full }
    round.handle = handle
    shard.rounds[handle] = round
    worker.remind(handle, at: deadline)
    let gateway = shard.gateway
    if !others.isEmpty {
      let copy = [UInt8](question)
      for other in others {
        let letter = SliceLetter.ask(copy, round, handle, from: shard, deadline: deadline)
        if !gateway.tell(letter, bytes: copy.count, on: other) { round.report([], from: other.index) }
      }
    }
    shard.slice.ask(question, round, handle, from: shard, deadline: deadline)
    return .ok
  }

  // MARK: From the siblings' workers

  /// A worker asks these siblings.
  func reportFrom(_ worker: Worker, _ handle: Handle, _ siblings: [(handle: Handle, id: Name)]) {
    if worker === shard.worker {
      report(siblings, from: worker.index)
    } else {
      shard.worker.post { [index = worker.index] in $0.tables.gossipRounds.find(handle)?.report(siblings, from: index) }
    }
  }

  /// A sibling has answered.
  func answerFrom(_ worker: Worker, _ handle: Handle, _ sibling: Handle, _ status: Status, _ data: [UInt8]) {
    if worker === shard.worker {
      worker.tables.gossipRounds.find(handle)?.answer(sibling, status, data)
    } else {
      shard.worker.post(bytes: data.count) { $0.tables.gossipRounds.find(handle)?.answer(sibling, status, data) }
    }
  }

  // MARK: On the asker's worker

  private func report(_ siblings: [(handle: Handle, id: Name)], from worker: Int) {
    unreported &= ~(1 << UInt64(worker))
    expect(siblings)
    endIfComplete()
  }

  private func expect(_ siblings: [(handle: Handle, id: Name)]) {
    for sibling in siblings {
      unanswered[sibling.handle] = results.count
      results.append(
        GossipResult(shard: ShardHandle(sibling.handle), shardID: sibling.id, status: .timedOut, data: []))
    }
  }

  private func answer(_ sibling: Handle, _ status: Status, _ data: [UInt8]) {
    guard let index = unanswered.removeValue(forKey: sibling) else { return }
    results[index].status = status
    results[index].data = data
    endIfComplete()
  }

  private func endIfComplete() {
    if unreported == 0, unanswered.isEmpty { end(.ok) }
  }

  func deadlineCame() {
    guard shard.worker.now >= deadline else { return shard.worker.remind(handle, at: deadline) }
    if unreported != 0 {
      let siblings = shard.worker.engine.directory.siblings(in: shard.gateway.handle)
      expect(siblings.filter { unreported >> UInt64($0.handle.worker) & 1 == 1 && $0.handle != shard.handle })
    }
    end(.ok)
  }

  /// The asker ends first: it has no use for the answers so far.
  func shardStopped() {
    results = []
    end(.gone)
  }

  private func end(_ status: Status) {
    // While the Shard ends, the host that is told of one question may answer another.
    guard shard.rounds.removeValue(forKey: handle) != nil else { return }
    shard.worker.tables.gossipRounds.remove(handle)
    shard.worker.callOut { [gossiped, results] in gossiped(status, results) }
  }
}
