// Messages to the whole cluster: each goes once to every worker that has a part of it. From any worker of the engine.
extension GatewayCore {
  /// One message to every member but `sender`. `hasRoom`: the mailboxes were asked when it was queued for this worker.
  func broadcast(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker, excluding sender: WebSocket?,
    hasRoom: Bool = false
  ) -> Status {
    worker.assertHere()
    let size = FrameEncoder.frameSize(payload: payload.count)
    guard size <= worker.options.outboxBytesMax else { return .tooBig }
    let room = hasRoom ? .ok : roomOfOthers(for: size, than: worker)
    guard room == .ok else { return room }
    if deflate != nil, broadcastEncoded(kind, payload, from: worker, excluding: sender) { return .ok }
    var frame: SharedFrame?
    forEachOther(than: worker) { other in
      let made = frame ?? SharedFrame(size: size) { FrameEncoder.write(opcode: Opcode(kind), payload: payload, to: $0) }
      frame = made
      _ = tell(.broadcast(made), bytes: size, on: other)
    }
    slice(on: worker)?.append(kind, payload, scope: nil, excluding: sender)
    return .ok
  }

  /// The same if other workers have members with compression: the message is compressed here, once for the engine.
  /// False: they have none, and nothing was sent.
  ///
  /// The mailboxes count all its forms, which is the memory that they hold. But room was asked for the plain length
  /// alone: whether a message can be sent must not depend on the windows that strangers have agreed to.
  private func broadcastEncoded(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker, excluding sender: WebSocket?
  ) -> Bool {
    guard let deflate else { return false }
    var wanted = FrameEncodingSet()
    forEachOther(than: worker) { wanted.formUnion(encodings(on: $0)) }
    guard !wanted.isEmpty else { return false }
    wanted.formUnion(encodings(on: worker))
    let message = EncodedMessage(kind, payload, for: wanted, worker.deflaters, deflate)
    forEachOther(than: worker) { other in
      _ = tell(.broadcastEncoded(message), bytes: message.bytes, on: other)
    }
    slice(on: worker)?.deliver(message, excluding: sender)
    return true
  }

  /// One message to every socket of `uid`. `whispered` is called on `teller`, perhaps before this returns. `hasRoom` as
  /// for a broadcast.
  func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, from worker: Worker, toldOn teller: Worker,
    whispered: (@Sendable (Worker, Int) -> Void)?, hasRoom: Bool = false
  ) -> Status {
    worker.assertHere()
    let size = FrameEncoder.frameSize(payload: payload.count)
    guard size <= worker.options.outboxBytesMax else { return .tooBig }
    var room = hasRoom ? .ok : roomOfOthers(for: size, than: worker)
    // Only a callback on another worker than the teller whispers there: that one has to hear of the outcome.
    if room == .ok, !hasRoom, whispered != nil, teller !== worker { room = teller.room(for: 0) }
    guard room == .ok else { return room }
    var others: [Worker] = []
    forEachOther(than: worker) { others.append($0) }
    let tally = whispered.map { WhisperTally(on: teller, missing: others.count + 1, whispered: $0) }
    let copy = others.isEmpty ? [] : [UInt8](payload)
    for other in others {
      if !tell(.whisper(uid, kind, copy, tally), bytes: size, on: other) { tally?.add(0, from: worker) }
    }
    let reached = slice(on: worker)?.whisper(uid, kind, payload) ?? 0
    tally?.add(reached, from: worker)
    return .ok
  }

  /// Whether every other worker's mailbox has room for this much.
  private func roomOfOthers(for bytes: Int, than worker: Worker) -> Status {
    var room = Status.ok
    forEachOther(than: worker) { if room == .ok { room = $0.room(for: bytes) } }
    return room
  }
}

/// Adds up how many sockets a whisper reached, on the worker that tells the host.
///
/// `@unchecked Sendable`: others only carry it there.
final class WhisperTally: @unchecked Sendable {
  private let teller: Worker
  private var missing: Int
  private var reached = 0
  private let whispered: @Sendable (Worker, Int) -> Void

  init(on teller: Worker, missing: Int, whispered: @escaping @Sendable (Worker, Int) -> Void) {
    self.teller = teller
    self.missing = missing
    self.whispered = whispered
  }

  /// What one worker has reached; on that worker.
  func add(_ count: Int, from worker: Worker) {
    if worker === teller { add(count) } else { teller.post(bytes: 0) { _ in self.add(count) } }
  }

  private func add(_ count: Int) {
    teller.assertHere()
    reached += count
    missing -= 1
    if missing == 0 { whispered(teller, reached) }
  }
}
