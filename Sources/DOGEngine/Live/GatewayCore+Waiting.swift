// Requests that wait: for a Shard that is coming, or until the engine has room for one more Shard.
extension GatewayCore {
  /// The client of a waiting request has left; its ticket has ended.
  func stopWaiting(_ ticket: Ticket, in line: WaitingLine) {
    line.remove(ticket)
    if case .abandoned = line.outcome { return }
    release(ticket.place, from: home)
  }

  /// Sends on the requests in this line, whose outcome is decided.
  func empty(_ line: WaitingLine) {
    leavingLines.append(line)
    guard !isEmptyingLines else { return }
    isEmptyingLines = true
    emptyLines()
  }

  /// Sends on as many as fit in one turn. The rest follow in the next: there may be as many as a Shard has places.
  private func emptyLines() {
    var sent = 0
    while let line = leavingLines.first {
      guard let ticket = line.popFirst() else {
        _ = leavingLines.popFirst()
        continue
      }
      sendOn(ticket, from: line)
      sent += 1
      guard sent < Worker.atOnceMax else { return _ = home.post { _ in self.emptyLines() } }
    }
    isEmptyingLines = false
  }

  private func sendOn(_ ticket: Ticket, from line: WaitingLine) {
    guard home.tables.tickets.claim(ticket.handle) else { return }
    ticket.end(on: home)
    switch line.outcome {
    case .abandoned(let answer): answer(ticket.exchange)
    case .open, .ready: if let place = ticket.place { send(ticket.exchange, place) }
    }
  }

  /// Has room made for one more Shard, unless that was asked already.
  func seekShard() {
    guard !isSeeking else { return }
    isSeeking = true
    noteHolding()
    home.makeRoom(.shard) { _, isMade in self.shardSought(isMade) }
  }

  /// There is room for one more Shard, or not: the requests that wait for it are placed, in their order, or refused.
  private func shardSought(_ isMade: Bool) {
    var isLeft = isMade
    while nextSeeker < seekers.count {
      let (exchange, uid) = seekers[nextSeeker]
      guard !exchange.hasLeft, !hasEnded else {
        nextSeeker += 1
        continue
      }
      let decision =
        placement.place(uid, now: home.now) {
          if isLeft {
            isLeft = false
            return true
          }
          return home.engine.reserve(.shard)
        }
      if case .noneLeft = decision, isMade {
        // One more is needed. In a turn of its own, because there may be many.
        home.post { home in home.makeRoom(.shard) { _, isMade in self.shardSought(isMade) } }
        return
      }
      nextSeeker += 1
      carryOut(decision, for: exchange)
    }
    seekers.removeAll(keepingCapacity: seekers.count <= 64)
    nextSeeker = 0
    isSeeking = false
    if isLeft { home.engine.giveBack(.shard) }
    noteHolding()
    endIfForgettable()
  }
}
