/// One sibling's part in the answer to a question.
public struct GossipResult: Sendable {
  public let shard: ShardHandle
  public let shardID: Name
  /// `.ok`: `data` is the reply. `.host`: the text it failed with. `.noHandler`, `.timedOut`, `.gone`: no data.
  public internal(set) var status: Status
  public internal(set) var data: [UInt8]
}

/// A Shard's question to all its siblings (rule S6): collects one result of each. Lives on the asking Shard's worker,
/// until the last answer or the deadline.
///
/// DESIGN. The question goes once to each worker that has a part of the cluster. A worker first reports which siblings
/// it asks, then each answer comes by itself. So a silent sibling is known by name and costs its own entry alone.
final class GossipRound: @unchecked Sendable {
  private let shard: ShardCore
  private let gossiped: @Sendable ([GossipResult]) -> Void
  private var handle = Handle.none
  private let deadline: UInt64
  /// Workers that have not reported.
  private var reportsMissing: Int
  private var results: [GossipResult] = []
  /// Where the result of a sibling that has not answered is.
  private var unanswered: [Handle: Int] = [:]

  private init(
    shard: ShardCore, deadline: UInt64, workers: Int, gossiped: @escaping @Sendable ([GossipResult]) -> Void
  ) {
    self.shard = shard
    self.deadline = deadline
    reportsMissing = workers
    self.gossiped = gossiped
  }

  static func begin(
    _ question: UnsafeRawBufferPointer, by shard: ShardCore, timeoutMs: UInt64,
    _ gossiped: @escaping @Sendable ([GossipResult]) -> Void
  ) -> Status {
    let worker = shard.worker
    worker.assertHere()
    guard question.count <= worker.engine.options.gossipBytesMax else { return .tooBig }
    guard shard.roundCount < worker.engine.options.gossipsMax else { return .full }
    var others: [Worker] = []
    shard.gateway.forEachOther(than: worker) { others.append($0) }
    let deadline = worker.now + (timeoutMs > 0 ? timeoutMs : worker.engine.options.gossipTimeoutMs)
    let round = GossipRound(shard: shard, deadline: deadline, workers: others.count + 1, gossiped: gossiped)
    guard let handle = worker.inquiries.insert(round, as: .inquiry) else { return .full }
    round.handle = handle
    shard.roundCount += 1
    worker.remind(handle, at: deadline)
    let gateway = shard.gateway
    if !others.isEmpty {
      let copy = [UInt8](question)
      for other in others {
        other.post { other in
          copy.withUnsafeBytes { gateway.slice(on: other)?.ask($0, round, handle, from: shard, deadline: deadline) }
            ?? round.reportFrom(other, handle, [])
        }
      }
    }
    shard.slice.ask(question, round, handle, from: shard, deadline: deadline)
    return .ok
  }

  // MARK: From the siblings' workers

  /// A worker asks these siblings.
  func reportFrom(_ worker: Worker, _ handle: Handle, _ siblings: [(handle: Handle, id: Name)]) {
    if worker === shard.worker {
      report(siblings)
    } else {
      shard.worker.post { $0.inquiries.find(handle)?.report(siblings) }
    }
  }

  /// A sibling has answered.
  func answerFrom(_ worker: Worker, _ handle: Handle, _ sibling: Handle, _ status: Status, _ data: [UInt8]) {
    if worker === shard.worker {
      worker.inquiries.find(handle)?.answer(sibling, status, data)
    } else {
      shard.worker.post { $0.inquiries.find(handle)?.answer(sibling, status, data) }
    }
  }

  // MARK: On the asker's worker

  private func report(_ siblings: [(handle: Handle, id: Name)]) {
    reportsMissing -= 1
    for sibling in siblings {
      unanswered[sibling.handle] = results.count
      results.append(
        GossipResult(shard: ShardHandle(sibling.handle), shardID: sibling.id, status: .timedOut, data: []))
    }
    endIfComplete()
  }

  private func answer(_ sibling: Handle, _ status: Status, _ data: [UInt8]) {
    guard let index = unanswered.removeValue(forKey: sibling) else { return }
    results[index].status = status
    results[index].data = data
    endIfComplete()
  }

  private func endIfComplete() {
    if reportsMissing == 0, unanswered.isEmpty { end() }
  }

  func deadlineCame() {
    if shard.worker.now >= deadline { end() } else { shard.worker.remind(handle, at: deadline) }
  }

  /// The engine ends: nobody is told.
  func cancel() {
    shard.roundCount -= 1
    shard.worker.inquiries.remove(handle)
  }

  private func end() {
    cancel()
    let results = self.results
    let worker = shard.worker
    worker.callOut { [self] in
      if worker.shards.isCurrent(shard.handle) { gossiped(results) }
    }
  }
}
