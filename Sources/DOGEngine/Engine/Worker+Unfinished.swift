// The bytes of all unfinished messages and requests on a worker are limited, whatever each may hold.
extension Worker {
  /// Ends those that have taken longest, until the rest is within the limit.
  func boundUnfinished() {
    while unfinished.bytes > options.unfinishedBytesMax, let owner = unfinished.takeOldest() {
      switch owner.kind {
      case .socket: tables.sockets.find(owner)?.unfinishedTooLong()
      case .connection: tables.connections.find(owner)?.unfinishedTooLong()
      case .gateway, .shard, .gossip, .timer, .fetch, .identify, .clusterize, .receive, .waiting, .gossipRound,
        .lingering, nil:
        preconditionFailure("a \(String(describing: owner.kind)) reads nothing")
      }
    }
  }
}
