// What the parts of one cluster tell each other: its Gateway, its Shards, and the slices that the workers have of it.
// Each letter is carried out on the worker of whom it is for, in the order in which one sender sent them.

/// To a Shard.
enum ShardLetter: Sendable {
  case start
  /// A request was placed on it, and holds a place of its.
  case receive(Exchange, Place)
  /// The connection of a request that is answered with an upgrade.
  indirect case adopt(DetachedUpgrade, Place, Upgrade)
  /// It was empty for long enough, or its cluster ends.
  case stop
}

/// To a Gateway, of the Shard in this slot of its placement.
enum GatewayLetter: Sendable {
  case started(slot: Int)
  /// It did not start and has ended; who waits for it gets this HTTP status.
  case failed(slot: Int, status: Int)
  case released(Place)
}

/// To a slice, from whoever speaks to the whole cluster.
enum SliceLetter: Sendable {
  /// The frame of a broadcast, for the cluster's sockets on that worker.
  case broadcast(SharedFrame)
  /// The same if some of its sockets take compressed frames.
  case broadcastEncoded(EncodedMessage)
  indirect case whisper(Name, MessageKind, [UInt8], WhisperTally?)
  indirect case ask([UInt8], GossipRound, Handle, from: ShardCore, deadline: UInt64)
}

extension ShardCore {
  /// False: its worker has ended.
  @discardableResult
  func tell(_ letter: ShardLetter, from sender: Worker) -> Bool {
    guard sender === worker else { return worker.send(.shard(self, letter)) }
    take(letter)
    return true
  }

  func take(_ letter: ShardLetter) {
    switch letter {
    case .start: start()
    case .receive(let exchange, let place): receive(exchange, place)
    case .adopt(let detached, let place, let upgrade): adopt(detached, place, upgrade)
    case .stop: stop()
    }
  }
}

extension GatewayCore {
  func tell(_ letter: GatewayLetter, from sender: Worker) {
    if sender === home { take(letter) } else { home.send(.gateway(self, letter)) }
  }

  func take(_ letter: GatewayLetter) {
    switch letter {
    case .started(let slot): shardStarted(slot)
    case .failed(let slot, let status): shardFailed(slot, status: status)
    case .released(let place): takeBack(place)
    }
  }

  /// False: that worker has ended.
  func tell(_ letter: SliceLetter, bytes: Int, on worker: Worker) -> Bool {
    worker.send(.slice(self, letter), bytes: bytes + Worker.letterBytes)
  }

  /// On a worker that had a slice when the letter was sent.
  @inline(__always)
  func take(_ letter: SliceLetter, on worker: Worker) {
    let slice = slice(on: worker)
    switch letter {
    case .broadcast(let frame): slice?.deliver(frame)
    case .broadcastEncoded(let message): slice?.deliver(message, excluding: nil)
    case .whisper(let uid, let kind, let payload, let tally):
      let reached = payload.withUnsafeBytes { slice?.whisper(uid, kind, $0) } ?? 0
      tally?.add(reached, from: worker)
    case .ask(let question, let round, let handle, let asker, let deadline):
      question.withUnsafeBytes { slice?.ask($0, round, handle, from: asker, deadline: deadline) }
        ?? round.reportFrom(worker, handle, [])
    }
  }
}
