/// One WebSocket, owned by one Shard and on its worker. What the peer sends comes in here; what it is sent goes out
/// through the outbox at the end of the turn; it ends once, through `end`.
///
/// `@unchecked Sendable`: only its handle crosses threads.
final class WebSocket: StreamOwner, GroupMember, @unchecked Sendable {
  let shard: ShardCore
  let stream: Stream
  let uid: Name
  /// What was agreed on permessage-deflate; nil: nothing.
  private let deflate: DeflateAgreement?
  let encoding: FrameEncoding
  /// That of its slice for this encoding: where it is a member while it is open.
  let group: Group<WebSocket>
  private(set) var handle = Handle.none
  /// The host's pointer (dog_socket_set_data).
  var data: UnsafeMutableRawPointer?

  // The slice's: where it sits among the members, and its neighbours among those of its uid.
  var seat = Seat()
  var nextOfUID: WebSocket?
  unowned(unsafe) var previousOfUID: WebSocket?

  private var parser: FrameParser
  /// For the policies on its traffic; nil without any.
  let watch: TrafficWatch?
  var outbox: Outbox
  var closing = CloseStateMachine()

  /// True exactly while it is in the worker's `dirtySockets`.
  var isDirty = false
  /// Why it is about to be closed: set in the middle of a flush, where closing is not possible, until the flush is
  /// over.
  var doom: Status?
  /// True from the moment that the outbox was over half its limit until it is empty again.
  var wasHigh = false
  /// True from just before onopen: who never had it gets no onerror and no onclose either. A client may be gone before.
  private(set) var wasOpened = false
  /// Pongs in the outbox, and the payload of the last ping that got none.
  var pongsQueued = 0
  var pongOwed: [UInt8]?
  /// True once `end` has run.
  private(set) var hasEnded = false
  /// Messages that the outbox policy dropped since the last ondrain.
  var dropped = 0

  var keepAlive: KeepAlive
  /// When the next reminder is due; what comes of an earlier wish is passed over.
  var remindedAt: UInt64 = .max

  init(shard: ShardCore, stream: Stream, uid: Name, deflate: DeflateAgreement?, data: UnsafeMutableRawPointer?) {
    self.shard = shard
    self.stream = stream
    self.uid = uid
    self.data = data
    outbox = Outbox(pool: shard.worker.pool)
    self.deflate = deflate
    encoding = deflate?.encoding ?? .plain
    group = shard.slice.group(for: encoding)
    let options = shard.worker.engine.options
    parser = FrameParser(
      messageBytesMax: options.messageBytesMax, frameBytesMax: options.frameBytesMax,
      inflation: deflate.map {
        Inflation(
          pool: shard.worker.inflaters, windowBits: $0.clientWindowBits, keepsContext: $0.keepsClientContext)
      })
    keepAlive = KeepAlive(nowMs: shard.worker.now)
    watch = TrafficWatch(options.rateLimits, idles: options.idleTimeoutMs > 0, nowMs: shard.worker.now)
  }

  deinit { assert(hasEnded || handle == .none, "a socket was let go open") }

  @inline(__always)
  var worker: Worker { shard.worker }
  var options: Options { worker.engine.options }

  // MARK: Opening

  /// Answers 101 and begins: a member first, then onopen, then what the client sent with its request (rule S2).
  func open(_ handle: Handle, _ upgrade: Upgrade, unread: [UInt8]) {
    self.handle = handle
    stream.owner = self
    keepAlive.heard(nowMs: worker.now)
    worker.counters.add(.sockets)
    guard sendSwitchingProtocols(upgrade) else {
      worker.logPeer(.info, "\(stream.peer.text): closed, it does not read what it is sent")
      return lost(.reset)
    }
    shard.slice.join(self)
    remindNext(worker.now)
    worker.callOut { [self] in
      guard closing.isOpen else { return }
      wasOpened = true
      hostCall { try shard.host?.onopen(SocketHandle(handle)) }
    }
    worker.afterCallouts { [self] in
      guard !hasEnded else { return }
      if worker.isDraining {
        _ = close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
      }
      var unread = unread
      unread.withUnsafeMutableBytes { read($0) }
      if !hasEnded { stream.readStart() }
    }
  }

  /// The 101 goes straight to the kernel. It is no frame: what the kernel does not take of it, because the client has
  /// not read the responses before, is the one thing in the outbox that no policy looks into.
  private func sendSwitchingProtocols(_ upgrade: Upgrade) -> Bool {
    let response = worker.pool.take(atLeast: 512)
    ResponseEncoder.switchingProtocols(
      accept: upgrade.accept, protocol: upgrade.selectedProtocol, extensions: deflate?.response,
      headers: upgrade.headers, into: response)
    let written = stream.tryWrite(response.base, response.count)
    guard written >= 0 else { return false }
    worker.counters.add(.bytesOut, written)
    if written == response.count {
      worker.pool.give(response)
    } else {
      outbox.queuePreamble(response, written: written)
      markDirty()
    }
    return true
  }

  // MARK: Reading

  /// Its stream was an HTTP connection's and is long ready.
  func streamReady(_ peer: Peer) {}

  /// True in the middle of a message that comes in fragments.
  var isWithinMessage: Bool { parser.isWithinMessage }

  func streamRead(_ bytes: UnsafeMutableRawBufferPointer) { read(bytes) }

  private func read(_ bytes: UnsafeMutableRawBufferPointer) {
    worker.counters.add(.bytesIn, bytes.count)
    keepAlive.heard(nowMs: worker.now)
    var input = bytes
    while closing.readsFrames {
      let count = input.count
      let event = parser.next(&input)
      if let watch, closing.isOpen, !admits(event, bytes: count - input.count, watch) { continue }
      switch event {
      case .message(let kind, let payload):
        guard closing.isOpen else { continue }
        worker.counters.add(.messagesIn)
        let message = Message(kind: kind, bytes: payload)
        worker.callHost { hostCall { try shard.host?.onmessage(SocketHandle(handle), message) } }
      case .ping(let payload): sendPong(payload)
      case .pong: break
      case .close(let code, let reason):
        leave()
        perform(
          closing.peerCloses(
            code: code.map { CloseCode(rawValue: $0) }, reason: [UInt8](reason), deadlineMs: closeDeadline()))
      case .invalid(let code, let reason):
        worker.logPeer(.info, "\(stream.peer.text): \(code.rawValue), \(reason)", about: "\(reason)".hashValue)
        fail(code, code == .messageTooBig ? .tooBig : .protocolError)
      case .needMore: return
      }
    }
  }

  /// The peer says nothing more, and may still read: what is queued goes out first.
  func streamEnded() {
    if closing.isOpen {
      leave()
      tellError(.reset)
    }
    perform(closing.peerEnds(isFlushed: outbox.isEmpty && !stream.isWriting, deadlineMs: closeDeadline()))
    markDirty()
  }

  func streamFailed(_ code: Int32) { lost(.reset) }

  func streamBroken(_ reason: String) {
    worker.logPeer(.info, "\(stream.peer.text): \(reason)")
    lost(.reset)
  }

  func lost(_ error: Status) {
    let wasOpen = closing.isOpen
    if case .report(let report) = closing.connectionLost() {
      if wasOpen { tellError(error) }
      end(report, .close)
    }
  }

  /// Runs a callback that may throw: then the socket fails with 1011. Only inside a callout.
  @inline(__always)
  private func hostCall(_ call: () throws -> Void) {
    do {
      try call()
    } catch {
      worker.logPeer(
        .error, "\(stream.peer.text): 1011, a callback of Shard \(shard.id) returned an error: \(error)")
      fail(.internalError, .host)
    }
  }

  // MARK: Closing

  /// Begins to close. Ok, or that it is closing already.
  func close(code: UInt16, reason: UnsafeRawBufferPointer) -> Status {
    guard closing.isOpen else { return .closed }
    leave()
    perform(
      closing.hostCloses(
        code: code == 0 ? nil : CloseCode(rawValue: code), reason: [UInt8](reason), deadlineMs: closeDeadline()))
    return .ok
  }

  /// Fails the connection: the host is told why, the peer by a close frame.
  func fail(_ code: CloseCode, _ error: Status) {
    guard closing.isOpen || closing.readsFrames else { return }
    leave()
    tellError(error)
    perform(closing.fails(code: code, deadlineMs: closeDeadline()))
  }

  /// A flush found its peer lost, or too slow for its policy.
  func closeDoomed() {
    guard let error = doom, !hasEnded else { return }
    doom = nil
    if error == .slow {
      worker.logPeer(.info, "\(stream.peer.text): 1013, it does not read what it is sent")
      fail(.tryAgainLater, .slow)
    } else {
      lost(error)
    }
  }

  /// Resets it: the engine ends.
  func abort() {
    if case .reset(let report) = closing.gaveUp() {
      leave()
      end(report, .reset)
    }
  }

  func leave() { shard.slice.leave(self) }

  /// When to stop waiting for the peer's part in the close, of which the worker is asked to remind.
  private func closeDeadline() -> UInt64 {
    let deadline = worker.now + options.closeTimeoutMs
    remind(at: deadline)
    return deadline
  }

  func perform(_ action: CloseStateMachine.Action) {
    switch action {
    case .none: break
    case .sendClose(let code, let reason):
      // Its messages count no longer, and its own close frame must not come too late for the host's sake.
      stream.readToEnd()
      reason.withUnsafeBytes { reason in
        let code = code?.rawValue ?? 0
        outbox.queueCopy(size: FrameEncoder.closeSize(code: code, reasonCount: reason.count)) {
          FrameEncoder.writeClose(code: code, reason: reason, to: $0)
        }
      }
      markDirty()
    case .linger(let report, let deadlineMs): end(report, .linger(deadlineMs: deadlineMs))
    case .report(let report): end(report, .close)
    case .reset(let report): end(report, .reset)
    }
  }

  func tellError(_ error: Status) {
    worker.callOut { [self] in
      if wasOpened { shard.host?.onerror(SocketHandle(handle), error) }
    }
  }

  /// What becomes of the stream.
  private enum StreamEnd {
    case close
    case reset
    case linger(deadlineMs: UInt64)
  }

  /// The one end: the stream is let go, the place is given back, the host is told last.
  private func end(_ report: CloseStateMachine.Report, _ streamEnd: StreamEnd) {
    guard !hasEnded else { return }
    hasEnded = true
    switch streamEnd {
    case .close: stream.close()
    case .reset: stream.reset()
    case .linger(let deadlineMs): Lingering.begin(stream, on: worker, deadline: deadlineMs)
    }
    // The stream writes nothing after its close, so what was in flight is free too.
    outbox.completed()
    outbox.discard()
    shard.socketEnded(self)
    worker.counters.add(.sockets, -1)
    // One that lingers is a connection still.
    if stream.isClosed { worker.connectionEnded() }
    worker.callOut { [self] in
      if wasOpened {
        let reason = String(decoding: report.reason, as: UTF8.self)
        shard.host?.onclose(
          SocketHandle(handle), Close(code: report.code.rawValue, reason: reason, isClean: report.isClean))
      }
      worker.sockets.remove(handle)
    }
  }

  /// Asks to be reminded, unless that comes earlier anyway.
  func remind(at time: UInt64) {
    guard time < remindedAt else { return }
    remindedAt = time
    worker.remind(handle, at: time)
  }
}
