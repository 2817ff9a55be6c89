// A message that has begun and not ended has a deadline from its first byte to its last, and its bytes count for the
// worker's limit. Control frames in between give it no time.
extension WebSocket {
  /// The input is used up; a message may be incomplete.
  @inline(__always)
  func noteUnfinished() {
    if unfinished >= 0 || isUnfinished { keepUnfinished() }
  }

  @inline(never)
  private func keepUnfinished() {
    guard isUnfinished else { return endUnfinished() }
    if unfinished >= 0 {
      worker.unfinished.set(unfinished, bytes: unfinishedBytes)
    } else {
      unfinished = worker.unfinished.begin(handle, bytes: unfinishedBytes, nowMs: worker.now)
      remind(at: worker.now + options.messageTimeoutMs)
    }
    worker.boundUnfinished()
  }

  /// What had begun has ended, or will never end.
  @inline(never)
  func endUnfinished() {
    guard unfinished >= 0 else { return }
    worker.unfinished.end(unfinished)
    unfinished = UnfinishedList.none
  }

  /// True if it was too late: the socket has failed.
  func isUnfinishedTooLate(_ now: UInt64) -> Bool {
    guard unfinished >= 0 else { return false }
    if stream.isHeld {
      // While the loop holds, nothing can come from the client. A client that only waits for its turn gains no time.
      guard worker.loop.isHolding else { return false }
      worker.unfinished.renew(unfinished, nowMs: now)
    }
    guard now >= worker.unfinished.sinceMs(unfinished) + options.messageTimeoutMs else { return false }
    worker.logPeer(.info, "\(stream.peer.text): 1008, a message did not come whole in time")
    fail(.policyViolation, .timedOut)
    return true
  }

  /// The worker holds too many unfinished bytes, and this message has taken longest. It is out of the worker's list.
  func unfinishedTooLong() {
    unfinished = UnfinishedList.none
    worker.logPeer(
      .info, "\(stream.peer.text): 1013, the worker is over unfinished_bytes_max and its message has taken longest")
    fail(.tryAgainLater, .full)
  }
}
