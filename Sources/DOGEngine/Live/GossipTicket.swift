/// A sibling's question to one Shard's host: what a `dog_gossip_t` names. Lives on that Shard's worker until it is
/// answered, the deadline passes or the Shard stops; code that ends it must have won its claim (see SlotMap).
///
/// `@unchecked Sendable`: used on its worker alone.
final class GossipTicket: @unchecked Sendable {
  private let shard: ShardCore
  private let round: GossipRound
  private let roundHandle: Handle
  private let deadline: UInt64
  private(set) var handle = Handle.none

  private init(shard: ShardCore, round: GossipRound, roundHandle: Handle, deadline: UInt64) {
    self.shard = shard
    self.round = round
    self.roundHandle = roundHandle
    self.deadline = deadline
  }

  static func make(
    _ shard: ShardCore, _ round: GossipRound, _ roundHandle: Handle, deadline: UInt64
  ) -> GossipTicket? {
    let ticket = GossipTicket(shard: shard, round: round, roundHandle: roundHandle, deadline: deadline)
    guard let handle = shard.worker.tables.gossips.insert(ticket, as: .gossip) else { return nil }
    ticket.handle = handle
    shard.gossips[handle] = ticket
    shard.worker.remind(handle, at: deadline)
    return ticket
  }

  /// Puts the question to the host.
  func ask(_ question: UnsafeRawBufferPointer) {
    let worker = shard.worker
    // If the host has to be called later, the question, which is only lent, is copied.
    if worker.callouts.mustWait {
      let copy = [UInt8](question)
      worker.callOut { [self] in copy.withUnsafeBytes { call($0) } }
    } else {
      worker.callHost { call(question) }
    }
  }

  private func call(_ question: UnsafeRawBufferPointer) {
    let worker = shard.worker
    guard worker.tables.gossips.isCurrent(handle), let host = shard.host else { return }
    do {
      try host.ongossip(GossipHandle(handle), question)
    } catch {
      let status = error as? Status ?? .host
      if worker.tables.gossips.claim(handle) { end(status == .noHandler ? .noHandler : .host, []) }
      if status != .noHandler {
        worker.logPeer(.error, "ongossip of Shard \(shard.id) returned an error: \(error)")
      }
    }
  }

  /// Sends the answer to the asker. On its worker, by the winner of the claim.
  func end(_ status: Status, _ data: [UInt8]) {
    shard.gossips[handle] = nil
    shard.worker.tables.gossips.remove(handle)
    round.answerFrom(shard.worker, roundHandle, shard.handle, status, data)
  }

  func deadlineCame() {
    guard shard.worker.now >= deadline else { return shard.worker.remind(handle, at: deadline) }
    if shard.worker.tables.gossips.claim(handle) { end(.timedOut, []) }
  }

  func shardStopped() {
    if shard.worker.tables.gossips.claim(handle) { end(.gone, []) }
  }
}
