// What goes to the whole cluster: once to each worker that has a part of it. From any worker of the engine.
extension GatewayCore {
  /// One message to every member but `sender`.
  func broadcast(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker, excluding sender: WebSocket?
  ) -> Status {
    worker.assertHere()
    let size = FrameEncoder.frameSize(payload: payload.count)
    guard size <= worker.engine.options.outboxBytesMax else { return .tooBig }
    let room = roomOfOthers(for: size, than: worker)
    guard room == .ok else { return room }
    if deflate != nil, let sent = broadcastEncoded(kind, payload, from: worker, excluding: sender) { return sent }
    var frame: SharedFrame?
    forEachOther(than: worker) { other in
      let made = frame ?? SharedFrame(size: size) { FrameEncoder.write(opcode: Opcode(kind), payload: payload, to: $0) }
      frame = made
      other.send(.broadcast(self, made), bytes: size + Worker.letterBytes)
    }
    slice(on: worker)?.append(kind, payload, scope: nil, excluding: sender)
    return .ok
  }

  /// The same where other workers have members that take compressed frames: compressed here, once for the engine. Nil:
  /// there are none.
  private func broadcastEncoded(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker, excluding sender: WebSocket?
  ) -> Status? {
    guard let deflate else { return nil }
    var wanted = FrameEncodingSet()
    forEachOther(than: worker) { wanted.formUnion(encodings(on: $0)) }
    guard !wanted.isEmpty else { return nil }
    wanted.formUnion(encodings(on: worker))
    let message = EncodedMessage(kind, payload, for: wanted, worker.deflaters, deflate)
    let room = roomOfOthers(for: message.bytes, than: worker)
    guard room == .ok else { return room }
    forEachOther(than: worker) { other in
      other.send(.broadcastEncoded(self, message), bytes: message.bytes + Worker.letterBytes)
    }
    slice(on: worker)?.deliver(message, excluding: sender)
    return .ok
  }

  /// One message to every socket of `uid`. `whispered` is called on `worker`, perhaps before this returns.
  func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker,
    whispered: @escaping @Sendable (Worker, Int) -> Void
  ) -> Status {
    worker.assertHere()
    let size = FrameEncoder.frameSize(payload: payload.count)
    guard size <= worker.engine.options.outboxBytesMax else { return .tooBig }
    let room = roomOfOthers(for: size, than: worker)
    guard room == .ok else { return room }
    var others: [Worker] = []
    forEachOther(than: worker) { others.append($0) }
    let tally = WhisperTally(missing: others.count + 1, whispered: whispered)
    let copy = others.isEmpty ? [] : [UInt8](payload)
    for other in others {
      other.send(
        .run { other in
          let reached = copy.withUnsafeBytes { self.slice(on: other)?.whisper(uid, kind, $0) } ?? 0
          worker.post { tally.add(reached, on: $0) }
        }, bytes: size + Worker.letterBytes)
    }
    tally.add(slice(on: worker)?.whisper(uid, kind, payload) ?? 0, on: worker)
    return .ok
  }

  /// Whether every other worker's mailbox takes this much more.
  private func roomOfOthers(for bytes: Int, than worker: Worker) -> Status {
    var room = Status.ok
    forEachOther(than: worker) { if room == .ok { room = $0.room(for: bytes) } }
    return room
  }
}

/// Adds up how many sockets a whisper reached. Lives on the whisperer's worker.
///
/// `@unchecked Sendable`: others only carry it back.
final class WhisperTally: @unchecked Sendable {
  private var missing: Int
  private var reached = 0
  private let whispered: @Sendable (Worker, Int) -> Void

  init(missing: Int, whispered: @escaping @Sendable (Worker, Int) -> Void) {
    self.missing = missing
    self.whispered = whispered
  }

  func add(_ count: Int, on worker: Worker) {
    worker.assertHere()
    reached += count
    missing -= 1
    if missing == 0 { whispered(worker, reached) }
  }
}
