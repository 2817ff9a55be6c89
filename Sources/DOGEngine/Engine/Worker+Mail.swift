// Letters to a worker: how they are sent and carried out, how many bytes each counts for, and whether the mailbox
// takes it.
extension Worker {
  /// Runs `body` on this worker's thread, after all that was sent from here before. Any thread. False when the worker
  /// has ended.
  @discardableResult
  func post(_ body: @escaping @Sendable (Worker) -> Void) -> Bool { send(.run(body)) }

  @discardableResult
  func send(_ letter: Letter, bytes: Int = 0) -> Bool { isTaken(mailbox.send(letter, bytes: bytes)) }

  private func isTaken(_ sent: Mailbox<Letter>.Sent) -> Bool {
    switch sent {
    case .first:
      loop.wake()
      return true
    case .queued: return true
    case .closed, .runsAreFull: return false
    }
  }

  func openMailbox() {
    assertHere()
    mailbox.takeAll(into: &mail)
    open(mail)
    mail.removeAll()
    if isExiting { leave() }
  }

  func open(_ mail: borrowing Mailbox<Letter>.Mail) {
    var run = 0
    for letter in mail.messages {
      switch letter {
      case .run(let body): body(self)
      case .speeches:
        WrittenSpeech.forEach(in: mail.run(run)) { speak($0.speech, by: $0.speaker, $1) }
        run += 1
      case .speech(let speech, let speaker, let payload):
        payload.withUnsafeBytes { speak(speech, by: speaker, $0) }
      case .gateway(let gateway, let letter): gateway.take(letter)
      case .shard(let shard, let letter): shard.take(letter)
      case .slice(let gateway, let letter): gateway.take(letter, on: self)
      }
    }
  }

  @inline(__always)
  private func speak(_ speech: Speech, by speaker: Handle, _ payload: UnsafeRawBufferPointer) {
    switch speaker.kind {
    // If the socket ends in here, it stays until the end of the turn (`keep`).
    case .socket: tables.sockets.finder.find(speaker)?._withUnsafeGuaranteedRef { _ = $0.speak(speech, payload) }
    case .shard: _ = tables.shards.find(speaker)?.speak(speech, payload)
    case .gateway: _ = tables.gateways.find(speaker)?.speak(speech, payload)
    default: break
    }
  }

  /// Posts a letter with so many bytes, which count against what others may send. The letter itself is always taken: it
  /// is an answer, and each question has at most one.
  @discardableResult
  func post(bytes: Int, _ body: @escaping @Sendable (Worker) -> Void) -> Bool {
    send(.run(body), bytes: bytes + Worker.letterBytes)
  }

  /// Posts a letter with a payload of the host's, unless the mailbox has no room for it. From any thread.
  func postPayload(bytes: Int, _ body: @escaping @Sendable (Worker) -> Void) -> Status {
    let room = room(for: bytes)
    guard room == .ok else { return room }
    return post(bytes: bytes, body) ? .ok : .stale
  }

  /// The same for a message that an object here is to send.
  func post(_ speech: Speech, by speaker: Handle, _ payload: UnsafeRawBufferPointer, size: Int) -> Status {
    let room = room(for: size)
    guard room == .ok else { return room }
    let written = WrittenSpeech(speech: speech, speaker: speaker, bytes: payload.count)
    let bytes = size + Worker.letterBytes
    let sent = mailbox.send(written.size, inRunOf: .speeches, bytes: bytes) { written.write(payload, to: $0) }
    if sent == .runsAreFull {
      return send(.speech(speech, by: speaker, [UInt8](payload)), bytes: bytes) ? .ok : .stale
    }
    return isTaken(sent) ? .ok : .stale
  }

  /// What a letter counts for beside its payload, about: a limit on payloads alone would not limit many small letters.
  static var letterBytes: Int { 128 }

  /// Whether the mailbox takes this much more. `full`: not now; `tooBig`: never.
  func room(for bytes: Int) -> Status {
    let size = bytes + Worker.letterBytes
    guard size <= options.mailboxBytesMax else { return .tooBig }
    return mailbox.bytesWaiting + size <= options.mailboxBytesMax ? .ok : .full
  }
}
