/// A message that the host has an object send: to whom, and how.
struct Speech: Sendable, BitwiseCopyable {
  enum Audience: UInt8, BitwiseCopyable {
    /// The peer of the socket that is the speaker.
    case peer
    /// The sockets of the speaker's Shard.
    case shard
    /// The sockets of its whole cluster.
    case cluster
  }

  let kind: MessageKind
  let audience: Audience
  /// A socket that speaks to many hears it too.
  var isHeardBySpeaker = false
  /// The mailboxes of all workers were asked for room already.
  var hasRoom = false
}

/// A speech in the mail of the speaker's worker: this, and right behind it the payload.
struct WrittenSpeech: BitwiseCopyable {
  let speech: Speech
  let speaker: Handle
  /// Of the payload.
  let bytes: Int

  var size: Int { MemoryLayout<WrittenSpeech>.size + bytes }

  @inline(__always)
  func write(_ payload: UnsafeRawBufferPointer, to place: UnsafeMutableRawPointer) {
    place.storeBytes(of: self, as: WrittenSpeech.self)
    guard let source = payload.baseAddress else { return }
    (place + MemoryLayout<WrittenSpeech>.size).copyMemory(from: source, byteCount: bytes)
  }

  /// All that stand in a run.
  @inline(__always)
  static func forEach(in run: UnsafeRawBufferPointer, _ body: (WrittenSpeech, UnsafeRawBufferPointer) -> Void) {
    var rest = run
    while !rest.isEmpty {
      let written = rest.loadUnaligned(as: WrittenSpeech.self)
      let payload = MemoryLayout<WrittenSpeech>.size..<written.size
      body(written, UnsafeRawBufferPointer(rebasing: rest[payload]))
      rest = UnsafeRawBufferPointer(rebasing: rest[written.size...])
    }
  }
}

/// An object that a host can have speak. On the object's worker.
protocol Speaker: AnyObject {
  func speak(_ speech: Speech, _ payload: UnsafeRawBufferPointer) -> Status
}

extension WebSocket: Speaker {
  @inline(__always)
  func speak(_ speech: Speech, _ payload: UnsafeRawBufferPointer) -> Status {
    if speech.audience == .peer { return send(speech.kind, payload) }
    guard closing.isOpen else { return .closed }
    let excluded = speech.isHeardBySpeaker ? nil : self
    if speech.audience == .shard { return shard.emit(speech.kind, payload, excluding: excluded) }
    return shard.gateway.broadcast(
      speech.kind, payload, from: worker, excluding: excluded, hasRoom: speech.hasRoom)
  }
}

extension ShardCore: Speaker {
  @inline(__always)
  func speak(_ speech: Speech, _ payload: UnsafeRawBufferPointer) -> Status {
    if speech.audience == .shard { return emit(speech.kind, payload, excluding: nil) }
    return gateway.broadcast(speech.kind, payload, from: worker, excluding: nil, hasRoom: speech.hasRoom)
  }
}

extension GatewayCore: Speaker {
  @inline(__always)
  func speak(_ speech: Speech, _ payload: UnsafeRawBufferPointer) -> Status {
    broadcast(speech.kind, payload, from: home, excluding: nil, hasRoom: speech.hasRoom)
  }
}
