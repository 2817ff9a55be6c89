/// One WebSocket, owned by one Shard and on its worker. What the peer sends comes in here. What it is sent goes out
/// through the outbox at the end of the turn. It ends once, through `end`.
///
/// `@unchecked Sendable`: only its handle crosses threads.
final class WebSocket: StreamOwner, GroupMember, @unchecked Sendable {
  let shard: ShardCore
  let stream: Stream
  let place: Place
  /// What was agreed on permessage-deflate; nil: no compression.
  private let deflate: DeflateAgreement?
  let encoding: FrameEncoding
  /// The slice's group for this encoding: the socket is a member while it is open.
  let group: Group<WebSocket>
  private(set) var handle = Handle.none
  /// The host's pointer (dog_socket_set_data).
  var data: UnsafeMutableRawPointer?

  // Written by the slice: its seat among the members, and its neighbours among the sockets of its uid.
  var seat = Seat()
  var nextOfUID: WebSocket?
  unowned(unsafe) var previousOfUID: WebSocket?

  private var parser: FrameParser
  /// For the policies on its traffic; nil if there are none.
  let watch: TrafficWatch?
  var outbox: Outbox
  var closing = CloseStateMachine()

  /// True exactly while it is in the turn's `sockets`.
  var isDirty = false
  /// Why it is to be closed: noted in the middle of a flush, where closing is not possible. It is closed after the
  /// flush. Its peer has lost a message by then, so it gets no later one.
  var doom: Status?
  /// True from when a write left the outbox over half its limit, or a message was dropped, until the outbox is empty.
  var wasHigh = false
  /// True from just before onopen. A socket whose client left before that gets no onerror and no onclose.
  private(set) var wasOpened = false
  /// Pongs in the outbox, and the payload of the last ping that got none.
  var pongsQueued = 0
  var pongOwed: [UInt8]?
  /// True once the host closes it, or fails it by an error: the host gets no more messages of it.
  private var isDeaf = false
  /// True once `end` has run.
  private(set) var hasEnded = false
  /// True while `read` runs: the message that the host was given may lie in the parser.
  private var isInRead = false
  /// Its entry in the worker's list while something that its peer sends is incomplete; else -1.
  var unfinished = UnfinishedList.none
  /// Messages that the outbox policy dropped since the last ondrain.
  var dropped = 0

  var keepAlive: KeepAlive
  /// When the next reminder is due; an earlier one is ignored.
  var remindedAt: UInt64 = .max

  init(shard: ShardCore, stream: Stream, place: Place, deflate: DeflateAgreement?, data: UnsafeMutableRawPointer?) {
    self.shard = shard
    self.stream = stream
    self.place = place
    self.data = data
    outbox = Outbox(pool: shard.worker.pool)
    self.deflate = deflate
    encoding = deflate?.encoding ?? .plain
    group = shard.slice.group(for: encoding)
    let options = shard.worker.options
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

  var uid: Name { place.uid }

  @inline(__always)
  var worker: Worker { shard.worker }
  var options: Options { worker.options }

  // MARK: Opening

  /// Answers 101 and begins: the socket becomes a member, then onopen, then what the client sent with its request (rule
  /// S2).
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

  /// The 101 goes straight to the kernel. If the kernel does not take all of it, because the client has not read
  /// earlier responses, the rest is queued. It is no frame, so no policy looks into it.
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

  /// What a frame counts for, beside its bytes, in the reading of a turn: about what its callback costs.
  private static var frameCost: Int { 256 }

  /// Its stream was an HTTP connection's and is ready already.
  override func streamReady(_ peer: Peer) {}

  /// True in the middle of a message that comes in fragments.
  var isWithinMessage: Bool { parser.isWithinMessage }

  /// Whether something is incomplete, and how many bytes it holds.
  @inline(__always)
  var isUnfinished: Bool { parser.isUnfinished }
  var unfinishedBytes: Int { parser.bytesHeld }

  /// By how many bytes inflating has made payload longer since the last call.
  func takeInflated() -> Int { parser.takeInflated() }

  override func streamRead(_ bytes: UnsafeMutableRawBufferPointer) {
    worker.counters.add(.bytesIn, bytes.count)
    read(bytes)
  }

  /// Bytes that came with the request were counted there.
  @inline(__always)
  private func read(_ bytes: UnsafeMutableRawBufferPointer) {
    keepAlive.heard(nowMs: worker.now)
    isInRead = true
    var input = bytes
    let frames = readShortMessages(&input)
    let isDone = input.isEmpty && unfinished < 0 && !isUnfinished
    worker.loop.spend((frames &+ (isDone ? 1 : 0)) &* WebSocket.frameCost)
    if !isDone { readFrames(input) }
    isInRead = false
    if !closing.readsFrames { readNoMore() }
  }

  /// What nearly all that comes is made of: whole short messages to a Shard that can be called now, on an open socket
  /// without policies. Up to the first that is anything else; returns how many.
  @inline(__always)
  private func readShortMessages(_ input: inout UnsafeMutableRawBufferPointer) -> Int {
    guard watch == nil, unfinished < 0 else { return 0 }
    var frames = 0
    while !input.isEmpty, closing.isOpen, !worker.callouts.mustWait,
      let (kind, payload) = parser.nextShortMessage(&input)
    {
      frames &+= 1
      worker.counters.add(.messagesIn)
      deliver(Message(kind: kind, bytes: payload))
    }
    return frames
  }

  @inline(__always)
  private func deliver(_ message: Message) {
    worker.callHost { hostCall { try shard.withHost { try $0.onmessage(SocketHandle(handle), message) } } }
  }

  /// Frees what the peer had begun.
  private func readNoMore() {
    guard !isInRead else { return }
    parser.abandon()
    endUnfinished()
  }

  @inline(never)
  private func readFrames(_ bytes: UnsafeMutableRawBufferPointer) {
    var input = bytes
    var frames = 0
    defer { worker.loop.spend(frames * WebSocket.frameCost) }
    while closing.readsFrames {
      frames += 1
      let count = input.count
      let event = parser.next(&input)
      if let watch, closing.isOpen, !admits(event, bytes: count - input.count, watch) {
        // A message that is thrown away has ended too.
        if unfinished >= 0, !isWithinMessage { endUnfinished() }
        continue
      }
      switch event {
      case .message(let kind, let payload):
        if unfinished >= 0 { endUnfinished() }
        guard closing.isOpen else { continue }
        worker.counters.add(.messagesIn)
        let message = Message(kind: kind, bytes: payload)
        if worker.callouts.mustWait {
          deliverLater(message)
        } else {
          deliver(message)
        }
      case .ping(let payload):
        if unfinished >= 0, !isWithinMessage { endUnfinished() }
        sendPong(payload)
      case .pong: if unfinished >= 0, !isWithinMessage { endUnfinished() }
      case .close(let code, let reason):
        leave()
        perform(
          closing.peerCloses(
            code: code.map { CloseCode(rawValue: $0) }, reason: [UInt8](reason), wait: beginToWait()))
      case .invalid(let code, let reason):
        worker.logPeer(.info, "\(stream.peer.text): \(code.rawValue), \(reason)", about: "\(reason)".hashValue)
        fail(code, code == .messageTooBig ? .tooBig : .protocolError)
      case .needMore: return noteUnfinished()
      }
    }
  }

  /// Callouts wait that did not fit in one turn: the message waits behind them, in its order.
  private func deliverLater(_ message: Message) {
    let (kind, copy) = (message.kind, [UInt8](message.bytes))
    worker.messageWaits(copy.count + Worker.letterBytes)
    worker.callOut { [self] in
      worker.messageCame(copy.count + Worker.letterBytes)
      guard wasOpened, !isDeaf else { return }
      copy.withUnsafeBytes { bytes in
        hostCall { try shard.host?.onmessage(SocketHandle(handle), Message(kind: kind, bytes: bytes)) }
      }
    }
  }

  /// The peer sends nothing more, but may still read: what is queued goes out first.
  override func streamEnded() {
    if closing.isOpen {
      leave()
      tellError(.reset)
    }
    perform(closing.peerEnds(isFlushed: outbox.isEmpty && !stream.isWriting, wait: beginToWait()))
    // What it had begun will not end.
    readNoMore()
    markDirty()
  }

  override func streamFailed(_ code: Int32) { lost(.reset) }

  override func streamGoesOn(heldSince: UInt64?) { if let heldSince { wasHeld(since: heldSince) } }

  override func streamWritten() { writeEnded() }

  /// If the stream is held, the host still gets what the peer sent before, as soon as it takes events again.
  override func streamHangsUp(isLost: Bool) { if isLost, !stream.isHeld { lost(.reset) } }

  override func streamBroken(_ reason: String) {
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
      hostFailed(error)
    }
  }

  @inline(never)
  private func hostFailed(_ error: any Error) {
    worker.logPeer(
      .error, "\(stream.peer.text): 1011, a callback of Shard \(shard.id) returned an error: \(error)")
    isDeaf = true
    fail(.internalError, .host)
  }

  // MARK: Closing

  /// Begins to close. `closed`: it is closing already.
  func close(code: UInt16, reason: UnsafeRawBufferPointer) -> Status {
    guard closing.isOpen else { return .closed }
    isDeaf = true
    leave()
    perform(
      closing.hostCloses(
        code: code == 0 ? nil : CloseCode(rawValue: code), reason: [UInt8](reason), wait: beginToWait()))
    return .ok
  }

  /// Fails the connection: the host is told why, the peer by a close frame.
  func fail(_ code: CloseCode, _ error: Status) {
    guard closing.isOpen || closing.readsFrames else { return }
    leave()
    tellError(error)
    perform(closing.fails(code: code, wait: beginToWait()))
    readNoMore()
  }

  /// A flush found its peer lost, or too slow for its policy.
  func closeDoomed() {
    guard let error = doom, !hasEnded else { return }
    if error == .slow {
      worker.logPeer(.info, "\(stream.peer.text): 1013, it does not read what it is sent")
      fail(.tryAgainLater, .slow)
    } else {
      lost(error)
    }
  }

  /// The engine ends: what is queued, with a close frame last, is offered to the kernel once, and nobody waits any
  /// longer.
  func abort() {
    guard !hasEnded else { return }
    _ = close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
    writeOut(upTo: .max)
    if case .reset(let report) = closing.gaveUp() { end(report, .abandon) }
  }

  func leave() { shard.slice.leave(self) }

  /// The wait for the peer's part in the close begins, with a reminder.
  private func beginToWait() -> CloseWait {
    let sent = SendProgress(nowMs: worker.now, delivered: stream.bytesDelivered, end: sendingEnd)
    let wait = CloseWait(sent, nowMs: worker.now, options.closeLimits)
    remind(at: wait.dueMs)
    return wait
  }

  /// The position behind the last byte that waits to be sent.
  var sendingEnd: Int { stream.bytesGiven + outbox.bytesToGive }

  func perform(_ action: CloseStateMachine.Action) {
    switch action {
    case .none: break
    case .sendClose(let code, let reason):
      // The peer's messages count no longer. Its close frame must be read in time, even if the loop holds.
      stream.readToEnd()
      reason.withUnsafeBytes { reason in
        let code = code?.rawValue ?? 0
        outbox.queueCopy(size: FrameEncoder.closeSize(code: code, reasonCount: reason.count)) {
          FrameEncoder.writeClose(code: code, reason: reason, to: $0)
        }
      }
      markDirty()
    case .linger(let report, let wait): end(report, .linger(wait))
    case .report(let report): end(report, .close)
    case .reset(let report): end(report, .reset)
    }
  }

  func tellError(_ error: Status) {
    worker.callOut { [self] in
      if wasOpened { shard.host?.onerror(SocketHandle(handle), error) }
    }
  }

  /// What happens to the stream.
  private enum StreamEnd {
    case close
    case reset
    case abandon
    case linger(CloseWait)
  }

  /// The one end: the stream is let go, the place is given back, the host is told last.
  private func end(_ report: CloseStateMachine.Report, _ streamEnd: StreamEnd) {
    guard !hasEnded else { return }
    hasEnded = true
    readNoMore()
    switch streamEnd {
    case .close: stream.close()
    case .reset: stream.reset()
    case .abandon: stream.abandon()
    case .linger(let wait): Lingering.begin(stream, on: worker, wait: wait)
    }
    // The stream writes nothing after its close, so what was in flight is free too.
    outbox.completed()
    outbox.discard()
    shard.socketEnded(self)
    worker.counters.add(.sockets, -1)
    // A stream that lingers is still counted as a connection.
    if stream.isClosed { worker.connectionEnded() }
    worker.callOut { [self] in
      if wasOpened {
        let reason = String(decoding: report.reason, as: UTF8.self)
        shard.host?.onclose(
          SocketHandle(handle), Close(code: report.code.rawValue, reason: reason, isClean: report.isClean))
      }
      worker.keep(self)
      worker.tables.sockets.remove(handle)
    }
  }

  /// Sets a reminder, unless an earlier one is set.
  func remind(at time: UInt64) {
    guard time < remindedAt else { return }
    remindedAt = time
    worker.remind(handle, at: time)
  }
}
