extension SocketHandle {
  /// Its object, on its own worker.
  func find() throws(Status) -> WebSocket { try handle.find(as: .socket, in: { $0.tables.sockets }) }

  // MARK: On its own worker

  public var uid: Name? { try? find().uid }
  public var shard: ShardHandle? { (try? find()).map { ShardHandle($0.shard.handle) } }
  /// Bytes queued that the kernel has not taken yet.
  public var buffered: Int? { try? find().outbox.bytes }

  // MARK: From any thread

  @discardableResult
  public func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.speak(Speech(kind: kind, audience: .peer), payload, as: .socket) { $0.tables.sockets }
  }

  @discardableResult
  public func send(_ text: String) -> Status { text.withBytes { send(.text, $0) } }

  @discardableResult
  public func close(code: UInt16 = 1000, reason: String = "") -> Status {
    reason.withBytes { close(code: code, reason: $0) }
  }

  func close(code: UInt16, reason: UnsafeRawBufferPointer) -> Status {
    guard code == 0 ? reason.isEmpty : CloseCode.mayBeSent(code) else { return .invalid }
    guard reason.count <= FrameEncoder.closeReasonMax, UTF8Validator.isValid(reason) else { return .invalid }
    return handle.act(
      on: reason, code, as: .socket, in: { $0.tables.sockets }, size: 0, mayBeSent: { _, _ in .ok }
    ) { socket, reason, code in socket.close(code: code, reason: reason) }
  }

  /// To the sockets of its Shard, except itself unless `toSelf`.
  @discardableResult
  public func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, toSelf: Bool = false) -> Status {
    handle.speak(Speech(kind: kind, audience: .shard, isHeardBySpeaker: toSelf), payload, as: .socket) {
      $0.tables.sockets
    }
  }

  /// To the sockets of its whole cluster, except itself unless `toSelf`.
  @discardableResult
  public func broadcast(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, toSelf: Bool = false) -> Status {
    handle.speak(Speech(kind: kind, audience: .cluster, isHeardBySpeaker: toSelf), payload, as: .socket) {
      $0.tables.sockets
    }
  }

  /// To every socket of `uid` in the cluster. `whispered` is told once, on this socket's worker, to how many it was
  /// queued. `gone`: this socket has ended by then; another status: it could not be sent after all.
  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Status, Int) -> Void)? = nil
  ) -> Status {
    handle.whisper(uid, kind, payload, as: .socket, in: { $0.tables.sockets }, whispered: whispered)
  }
}
