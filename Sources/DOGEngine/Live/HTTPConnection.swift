/// One HTTP/1.1 connection, from accept to its end or its upgrade: reads requests, one at a time, and writes their
/// responses. Lives on the worker that accepted it.
///
///     arriving --preface and TLS handshake done--> reading
///
///     reading --a request--> waiting --its response--> reading
///        |                      |--its head--> streaming --its end--> reading
///        |                      |--an upgrade--> gone (the stream belongs to a WebSocket)
///        |--bad request, end----|--response, Connection: close--> finishing --flushed, FIN--> lingering --> ended
///
/// `@unchecked Sendable`: an Exchange carries it to other workers, which only send it back.
final class HTTPConnection: StreamOwner, @unchecked Sendable {
  enum State {
    /// The stream may not be used yet: a PROXY header or a TLS handshake comes first.
    case arriving
    /// Between requests, or in the middle of one.
    case reading
    /// The engine or the host has this request, and no answer to it.
    case waiting(Exchange)
    /// The host writes its response part by part.
    case streaming(ResponseStream)
    /// The host upgrades it; waits until earlier responses are written.
    case leaving
    /// The last response is being written.
    case finishing
    /// Everything is written and our FIN sent. What the peer still sends is thrown away, until its own FIN. Closing
    /// with unread bytes would reset the connection, and the peer might lose the response (RFC 9112, section 9.6).
    case lingering(CloseWait)
    /// Ended, or the stream belongs to a WebSocket.
    case gone
  }

  /// How much a client may send ahead while its request waits.
  private static let aheadBytesMax = 64 << 10
  /// How many bytes of responses may wait: above that no more of the client's requests are read.
  private static let unreadBytesMax = 1 << 20
  /// What a request counts for, beside its bytes, in the reading of a turn: about what answering it costs.
  private static let requestCost = 8 << 10

  let worker: Worker
  let stream: Stream
  private(set) var handle = Handle.none
  var parser: RequestParser
  var outbox: Outbox
  var state = State.arriving
  /// What came while a request waits: it is read when that is answered.
  var ahead = ReadAhead()
  /// What `read` has not read yet of its input: for an upgrade inside the call.
  private(set) var unread = UnsafeRawBufferPointer(start: nil, count: 0)
  /// When the client or the host must have done what is awaited. A reminder may come earlier.
  var deadline: UInt64 = .max
  var remindedAt: UInt64 = .max
  /// Its entry in the worker's list while a request is incomplete; else -1.
  var unfinished = UnfinishedList.none
  /// When the incomplete body must be whole.
  private var bodyDeadline: UInt64?
  /// While something that was sent is on its way: whether the client takes it, and when to look again.
  var sending: SendProgress?
  var sendingDue: UInt64 = .max
  /// True while `read` runs, which then goes on by itself after a response.
  private(set) var isReading = false
  /// True from the peer's FIN: there is nothing more to read.
  private(set) var peerEnded = false
  /// True once the peer's FIN is known, behind bytes that are not read yet.
  var peerEndsUnread = false
  /// What to do with the stream when all is written, in `leaving`.
  var onFlushed: ((_ isLeaving: Bool) -> Void)?
  /// True if the client has sent too much behind a streamed response: the rest is thrown away, and the connection ends
  /// with that response.
  private var throwsAhead = false
  /// Set if the connection is not let in: why, and when it must be over.
  var refusal: (reason: StaticString, until: UInt64)?
  /// True exactly while it is in the turn's `connections`.
  private(set) var isDirty = false

  var options: Options { worker.options }

  init(stream: Stream, worker: Worker) {
    self.worker = worker
    self.stream = stream
    outbox = Outbox(pool: worker.pool)
    let options = worker.options
    parser = RequestParser(
      limits: RequestParser.Limits(
        targetBytesMax: options.targetBytesMax, headerBytesMax: options.headerBytesMax,
        headerCountMax: options.headerCountMax, bodyBytesMax: options.bodyBytesMax))
  }

  func take(_ handle: Handle) { self.handle = handle }

  func open() {
    if case .gone = state { return }
    stream.owner = self
    setDeadline(worker.now + options.handshakeTimeoutMs)
    stream.begin()
  }

  override func streamReady(_ peer: Peer) {
    guard case .arriving = state else { return }
    parser.clientSubject = peer.certificateSubject
    state = .reading
    if let refusal { return refuse(503, refusal.reason) }
    parser.remote = KeptBytes(copying: peer.text.utf8)
    let trusted = worker.engine.trustedProxies
    if trusted.contains(peer.client) { parser.forwarding = ForwardedFor(peer: peer.client, trusted: trusted) }
    setDeadline(worker.now + options.headerTimeoutMs)
  }

  // MARK: Reading

  override func streamRead(_ bytes: UnsafeMutableRawBufferPointer) {
    worker.counters.add(.bytesIn, bytes.count)
    switch state {
    case .reading:
      if ahead.isEmpty {
        let bytes = UnsafeRawBufferPointer(bytes)
        let left = read(bytes)
        if left > 0 { ahead.append(UnsafeRawBufferPointer(rebasing: bytes.suffix(left))) }
      } else {
        keepAhead(UnsafeRawBufferPointer(bytes))
      }
    case .waiting, .leaving: keepAhead(UnsafeRawBufferPointer(bytes))
    case .streaming(let response):
      guard !throwsAhead else { break }
      keepAhead(UnsafeRawBufferPointer(bytes))
      throwAhead(of: response)
    case .arriving, .finishing, .lingering, .gone: break
    }
  }

  private func keepAhead(_ bytes: UnsafeRawBufferPointer) {
    ahead.append(bytes)
    if ahead.count > HTTPConnection.aheadBytesMax { stream.readStop() }
  }

  /// A streamed response may last for ever. What comes meanwhile has to be read, or the client's FIN behind it would
  /// not be noticed. A client may send unanswered requests again (RFC 9112, section 9.3.2).
  @discardableResult
  func throwAhead(of response: ResponseStream) -> Bool {
    guard ahead.count > HTTPConnection.aheadBytesMax else { return false }
    worker.logPeer(.info, "\(stream.peer.text): its next requests are thrown away, it sends too many behind a stream")
    throwsAhead = true
    response.keepsAlive = false
    ahead.removeAll()
    stream.readToEnd()
    if !peerEnded { stream.readStart() }
    return true
  }

  /// Reads requests until the input is used up or the next one has to wait. Returns how many bytes at the end of the
  /// input have to wait.
  private func read(_ bytes: UnsafeRawBufferPointer) -> Int {
    isReading = true
    defer {
      isReading = false
      unread = UnsafeRawBufferPointer(start: nil, count: 0)
    }
    var input = bytes
    while case .reading = state {
      // A client that does not read its responses is not read from.
      if outbox.bytes > HTTPConnection.unreadBytesMax {
        writeOut()
        if outbox.bytes > HTTPConnection.unreadBytesMax {
          stream.readStop()
          return input.count
        }
        continue
      }
      // Other clients' requests come in between.
      if worker.loop.hasReadEnough, !input.isEmpty, input.count < bytes.count {
        stream.readStop()
        stream.wait()
        return input.count
      }
      // All is read that came, and nothing has begun.
      if input.isEmpty, parser.phase == .idle, unfinished < 0, !peerEnded { return 0 }
      let before = parser.phase
      switch parser.next(&input) {
      case .needMore:
        expectMore(since: before)
        return 0
      case .continueExpected: queue(ResponseEncoder.continueResponse)
      case .invalid(let status, let reason): refuse(status, reason)
      case .request(let request):
        unread = input
        begin(request)
      }
    }
    // The rest waits for the response, unless that came at once.
    switch state {
    case .waiting, .streaming, .leaving: return input.count
    case .arriving, .reading, .finishing, .lingering, .gone: return 0
    }
  }

  private func expectMore(since before: RequestParser.Phase) {
    switch parser.phase {
    // The deadline stays as set at the accept or the last response: empty lines are no request.
    case .idle: break
    // From the first byte on: a client that sends its head byte by byte gains no time.
    case .head: if before != .head { setDeadline(worker.now + options.headerTimeoutMs) }
    case .body:
      // Each part gives it time for the next, and all of them together have the total.
      let total = bodyDeadline ?? worker.now + options.bodyTotalTimeoutMs
      bodyDeadline = total
      setDeadline(min(worker.now + options.bodyTimeoutMs, total))
    }
    if peerEnded { return endOfInput() }
    keepUnfinished()
  }

  /// The peer has sent its FIN and all it sent was read: the connection ends when it has its responses.
  func endOfInput() { isAllWritten && (peerEnded || isAllDelivered) ? end() : finish() }

  private func begin(_ request: consuming HTTPRequest) {
    bodyDeadline = nil
    endUnfinished()
    worker.counters.add(.requestsTotal)
    worker.loop.spend(HTTPConnection.requestCost)
    let exchange = Exchange(
      request: request, connection: self, deadlineMs: worker.now + options.identifyTimeoutMs)
    state = .waiting(exchange)
    setDeadline(exchange.deadline)
    worker.route(exchange)
  }

  /// While the loop held, nothing was read: the client has its time anew.
  override func streamGoesOn(heldSince: UInt64?) {
    switch state {
    case .arriving:
      if heldSince != nil { setDeadline(max(deadline, worker.now + options.handshakeTimeoutMs)) }
    case .reading:
      if let heldSince {
        bodyDeadline = bodyDeadline.map { $0 + (worker.now - heldSince) }
        setDeadline(
          max(deadline, worker.now + (parser.phase == .body ? options.bodyTimeoutMs : options.headerTimeoutMs)))
      }
      if !isReading { readAhead() }
    case .waiting, .streaming, .leaving, .finishing, .lingering, .gone: break
    }
  }

  override func streamEnded() {
    peerEnded = true
    switch state {
    case .arriving: end()
    case .reading:
      // Requests that came before the FIN may still wait behind an unread response.
      if ahead.isEmpty { endOfInput() }
    case .waiting, .streaming: becameHalfClosed()
    case .leaving, .finishing: break
    case .lingering: end()
    case .gone: break
    }
  }

  override func streamFailed(_ code: Int32) { end() }

  override func streamHangsUp(isLost: Bool) { hangsUp(isLost: isLost) }

  override func streamBroken(_ reason: String) {
    // A last TLS alert still goes out.
    breakOff(reason, reset: false)
  }

  // MARK: Answering

  /// Answers the request that waits; ignores a response to any other.
  func respond(_ response: Response, to exchange: Exchange) {
    guard isWaiting(for: exchange) else { return }
    if response.isRefusal { worker.counters.add(.refused) }
    response.lines.withUnsafeBytes { lines in
      response.body.withUnsafeBytes { respond(status: response.status, lines: lines, body: $0, to: exchange) }
    }
  }

  @inline(never)
  func respond(
    status: Int, lines: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, to exchange: Exchange
  ) {
    guard isWaiting(for: exchange) else { return }
    let facts = facts(for: exchange.request)
    queue(EncodedResponse(status: status, lines: lines, body: body, for: facts, date: worker.httpDate()))
    goOn(keepAlive: facts.keepAlive)
  }

  /// False once it was answered or timed out, or its client has left.
  func isWaiting(for exchange: Exchange) -> Bool {
    if case .waiting(let waiting) = state { waiting === exchange } else { false }
  }

  func facts(for request: HTTPRequest, framing: StreamFraming? = nil) -> ResponseEncoder.Facts {
    let keepAlive = request.keepAlive && framing != .untilClose && !worker.isDraining && !isLastRequest
    return ResponseEncoder.Facts(isHEAD: request.isHEAD, isHTTP11: request.isHTTP11, keepAlive: keepAlive)
  }

  /// The peer has sent its FIN and no request after the one that is answered.
  var isLastRequest: Bool { peerEnded && (isReading ? unread.isEmpty : ahead.isEmpty) }

  /// A response is over.
  func goOn(keepAlive: Bool) {
    guard keepAlive else { return finish() }
    state = .reading
    setDeadline(worker.now + options.keepaliveTimeoutMs)
    if !isReading { readAhead() }
  }

  /// Goes on with what came while a request waited, or while responses were not read.
  func readAhead() {
    guard case .reading = state else { return }
    if !ahead.isEmpty {
      // Bytes that were read ahead wait like bytes that are not read yet.
      guard !stream.holdsBack() else { return }
      // Taken out, because requests may change `ahead` meanwhile; the stream is not read until this returns.
      var input = ReadAhead()
      swap(&input, &ahead)
      input.keepLast(input.withBytes { read($0) })
      if case .gone = state { return }
      ahead = input
    }
    guard case .reading = state, ahead.isEmpty else { return }
    if peerEnded { endOfInput() } else { stream.readStart() }
  }

  /// The engine's own answer to bytes that are no request: after it the connection ends.
  func refuse(_ status: Int, _ reason: StaticString) {
    worker.counters.add(.refused)
    worker.logPeer(.info, "\(stream.peer.text): \(status), \(reason)", about: Int(bitPattern: reason.utf8Start))
    let response = worker.refusal(status, "\(reason)")
    response.withEncoded(for: .unread(isHEAD: parser.refusesHEAD), date: worker.httpDate()) { queue($0) }
    finish()
  }

  func queue(_ response: EncodedResponse) {
    if let room = outbox.earlyRoom(response.count) { response.write(to: room) } else { queueLong(response) }
    markDirty()
  }

  @inline(never)
  private func queueLong(_ response: EncodedResponse) {
    let bytes = worker.pool.take(atLeast: response.count)
    response.write(to: bytes.extend(by: response.count))
    // Small responses are copied by the queue, and the storage is free again.
    if !outbox.queue(bytes, 0..<bytes.count) { worker.pool.give(bytes) }
  }

  private func queue(_ text: StaticString) {
    outbox.queueCopy(text.bytes)
    markDirty()
  }

  // MARK: Writing

  /// The kernel has everything: the last TLS record too, which waits in the stream.
  var isAllWritten: Bool { outbox.isEmpty && !stream.isWriting }

  func markDirty() {
    guard !isDirty else { return }
    isDirty = true
    worker.turn.connections.append(handle)
  }

  /// The end of the turn.
  func flush() {
    isDirty = false
    writeOut(upTo: worker.turn.pieceBytesMax)
  }

  func writeOut(upTo limit: Int = .max) {
    if case .gone = state { return }
    var written = 0
    let limit = min(worker.turn.bytesLeft, limit)
    let progress =
      outbox.writeEarly(to: stream, upTo: limit, written: &written)
      ? .empty : outbox.write(to: stream, upTo: limit, written: &written)
    worker.turn.wrote(written)
    if progress == .paused { markDirty() }
    if case .streaming(let response) = state, progress != .lost {
      response.settle(outboxBytes: outbox.bytes)
      watchSending()
    }
    switch progress {
    // The host, told that there is room, may have queued more, which is not flushed.
    case .empty where outbox.isEmpty: flushed()
    case .empty, .waiting, .paused: watchSending()
    case .lost: end()
    }
  }

  override func streamWritten() {
    worker.turn.wrote(outbox.finishWrite())
    markDirty()
  }

  func flushed() {
    switch state {
    case .reading:
      // The keep-alive time begins when the client's response is written.
      if parser.phase == .idle { setDeadline(worker.now + options.keepaliveTimeoutMs) }
      if !isReading { readAhead() }
    case .streaming(let response): streamFlushed(response)
    case .arriving, .waiting, .lingering, .gone: break
    case .leaving:
      let then = onFlushed
      onFlushed = nil
      then?(true)
    case .finishing:
      guard !peerEnded else { return end() }
      stream.shutdown()
      stream.readStart()
      linger()
    }
  }
}
