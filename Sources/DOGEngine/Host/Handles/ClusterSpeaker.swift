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
  func broadcast<Speaker: ClusterSpeaker>(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, as ownKind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Speaker>
  ) -> Status {
    if let (here, cluster) = clusterFromHere {
      guard kind == .binary || UTF8Validator.isValid(payload) else { return .invalid }
      return cluster.broadcast(kind, payload, from: here, excluding: nil)
    }
    return send(kind, payload, (), as: ownKind, in: table, toCluster: true) { speaker, payload, said in
      speaker.cluster.broadcast(
        said.kind, payload, from: speaker.worker, excluding: nil, hasRoom: said.hasRoom)
    }
  }

  func whisper<Speaker: ClusterSpeaker>(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, as ownKind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Speaker>, whispered: (@Sendable (Status, Int) -> Void)?
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
    return send(
      kind, payload, uid, as: ownKind, in: table, toCluster: true, failed: outcome?.failed
    ) { speaker, payload, said in
      guard speaker.maySpeak else { return .closed }
      return speaker.cluster.whisper(
        said.context, said.kind, payload, from: speaker.worker, toldOn: speaker.worker, whispered: tell,
        hasRoom: said.hasRoom)
    }
  }
}
