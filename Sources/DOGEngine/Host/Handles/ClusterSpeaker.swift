/// An object whose handle can send to a whole cluster. Its properties may be read on its worker only.
protocol ClusterSpeaker: AnyObject, SendableMetatype {
  var cluster: GatewayCore { get }
  var worker: Worker { get }
  /// False: it is closing, and sends nothing more.
  var maySpeak: Bool { get }
}

extension GatewayCore: ClusterSpeaker {
  var cluster: GatewayCore { self }
  var worker: Worker { home }
  var maySpeak: Bool { true }
}

extension ShardCore: ClusterSpeaker {
  var cluster: GatewayCore { gateway }
  var maySpeak: Bool { true }
}

extension WebSocket: ClusterSpeaker {
  var cluster: GatewayCore { shard.gateway }
  var maySpeak: Bool { closing.isOpen }
}

extension Handle {
  /// From a Shard or a Gateway.
  func broadcast<Object: Speaker>(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, as ownKind: Kind, in table: (Worker) -> SlotMap<Object>
  ) -> Status {
    if let (here, cluster) = clusterFromHere {
      guard kind == .binary || UTF8Validator.isValid(payload) else { return .invalid }
      return cluster.broadcast(kind, payload, from: here, excluding: nil)
    }
    return speak(Speech(kind: kind, audience: .cluster), payload, as: ownKind, in: table)
  }

  func whisper<Whisperer: ClusterSpeaker>(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, as ownKind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Whisperer>, whispered: (@Sendable (Status, Int) -> Void)?
  ) -> Status {
    let outcome = whispered.map { WhisperOutcome($0) }
    let tell = outcome.map { outcome -> @Sendable (Worker, Int) -> Void in
      { worker, count in outcome.tell(worker, count) { table(worker).isCurrent(self) } }
    }
    if let (here, cluster) = clusterFromHere {
      guard kind == .binary || UTF8Validator.isValid(payload) else { return .invalid }
      return cluster.whisper(
        uid, kind, payload, from: here, toldOn: here.engine.workers[worker], whispered: tell)
    }
    guard kind == .binary || UTF8Validator.isValid(payload) else { return .invalid }
    let size = FrameEncoder.frameSize(payload: payload.count)
    return act(
      on: payload, Whispered(kind: kind, uid: uid), as: ownKind, in: table, size: size,
      relayed: Whispered(kind: kind, uid: uid, hasRoom: true),
      mayBeSent: { worker, engine in
        size <= worker.options.outboxBytesMax ? engine.room(for: size, than: worker) : .tooBig
      }, failed: outcome?.failed
    ) { speaker, payload, said in
      guard speaker.maySpeak else { return .closed }
      return speaker.cluster.whisper(
        said.uid, said.kind, payload, from: speaker.worker, toldOn: speaker.worker, whispered: tell,
        hasRoom: said.hasRoom)
    }
  }
}

/// What goes with the payload of a whisper.
private struct Whispered: Sendable {
  let kind: MessageKind
  let uid: Name
  /// The mailboxes of all workers were asked for room already.
  var hasRoom = false
}
