// Letters to a worker: how they are sent and carried out, how many bytes each counts for, and whether the mailbox
// takes it.
extension Worker {
  /// Runs `body` on this worker's thread, after all that was sent from here before. Any thread. False when the worker
  /// has ended.
  @discardableResult
  func post(_ body: @escaping @Sendable (Worker) -> Void) -> Bool { send(.run(body)) }

  @discardableResult
  func send(_ letter: Letter, bytes: Int = 0) -> Bool {
    switch mailbox.send(letter, bytes: bytes) {
    case .first:
      loop.wake()
      return true
    case .queued: return true
    case .closed: return false
    }
  }

  func openMailbox() {
    assertHere()
    mailbox.takeAll(into: &letters)
    for letter in letters { open(letter) }
    letters.removeAll(keepingCapacity: letters.count < 4096)
    if isExiting { leave() }
  }

  @inline(__always)
  func open(_ letter: Letter) {
    switch letter {
    case .run(let body): body(self)
    case .gateway(let gateway, let letter): gateway.take(letter)
    case .shard(let shard, let letter): shard.take(letter)
    case .slice(let gateway, let letter): gateway.take(letter, on: self)
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

  /// What a letter counts for beside its payload, about: a limit on payloads alone would not limit many small letters.
  static var letterBytes: Int { 128 }

  /// Whether the mailbox takes this much more. `full`: not now; `tooBig`: never.
  func room(for bytes: Int) -> Status {
    let size = bytes + Worker.letterBytes
    guard size <= options.mailboxBytesMax else { return .tooBig }
    return mailbox.bytesWaiting + size <= options.mailboxBytesMax ? .ok : .full
  }
}
