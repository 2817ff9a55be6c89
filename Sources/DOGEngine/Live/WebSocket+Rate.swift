// How the rate of what a client sends is limited.
extension WebSocket {
  /// Whether what the parser gave is within the socket's rate. `bytes` is what it took from the input for it; bytes
  /// that inflating has added count too.
  @inline(never)
  func admits(_ event: borrowing FrameParser.Event, bytes: Int, _ watch: TrafficWatch) -> Bool {
    let piece: RateLimiter.Piece
    switch event {
    case .message:
      watch.messageAt = worker.now
      piece = .message
    case .ping: piece = .ping
    case .pong, .needMore: piece = .part
    // The end of the socket is not limited.
    case .close, .invalid: return true
    }
    let admits = watch.limiter?.admits(
      piece, bytes: bytes + takeInflated(), isWithinMessage: isWithinMessage, nowMs: worker.now)
    guard admits == false else {
      if piece != .part { watch.isThrowingAway = false }
      return true
    }
    switch options.ratePolicy {
    case .close:
      worker.logPeer(.info, "\(stream.peer.text): 1008, it went over its rate")
      fail(.policyViolation, .rate)
      return false
    case .drop:
      // The message that these bytes belong to is thrown away when it is whole. Pongs belong to none.
      guard piece != .part else { return true }
      worker.counters.add(.rateLimited)
      if !watch.isThrowingAway {
        worker.logPeer(.info, "\(stream.peer.text): messages are thrown away, it went over its rate")
      }
      watch.isThrowingAway = true
      return false
    }
  }
}

extension Options {
  var rateLimits: RateLimiter.Limits {
    RateLimiter.Limits(
      messageRate: messageRateMax, messageBurst: messageBurstMax, byteRate: byteRateMax, byteBurst: byteBurstMax)
  }
}
