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
/// `@unchecked Sendable`: an Exchange carries it to other workers, who only send it back.
final class HTTPConnection: StreamOwner, @unchecked Sendable {
  enum State {
    /// The stream may not be used yet: a PROXY header or a TLS handshake comes first.
    case arriving
    /// Between requests, or in the middle of one.
    case reading
    /// The host has this request.
    case waiting(Exchange)
    /// The host writes its response part by part.
    case streaming(ResponseStream)
    /// The host upgrades it; waits until earlier responses are written.
    case leaving
    /// The last response is being written.
    case finishing
    /// All is written and our FIN sent; what the peer still sends is thrown away, until its own FIN. To close with
    /// unread bytes would reset the connection, and the peer might lose the response (RFC 9112, section 9.6).
    case lingering
    /// Ended, or the stream belongs to a WebSocket.
    case gone
  }

  /// What a client may send ahead while its request waits.
  private static let aheadBytesMax = 64 << 10
  /// Responses that a client has not read: past it no more of its requests are read.
  private static let unreadBytesMax = 1 << 20
  /// How long a client that has sent its FIN may wait for the answer to what it asked before.
  static let halfClosedMs: UInt64 = 1000

  let worker: Worker
  let stream: Stream
  private(set) var handle = Handle.none
  private var parser: RequestParser
  var outbox: Outbox
  var state = State.arriving
  /// Came while a request waits: to be read when it is answered.
  private(set) var ahead: [UInt8] = []
  /// What `read` has not read yet of its input: for an upgrade that happens underneath it.
  private(set) var unread = UnsafeRawBufferPointer(start: nil, count: 0)
  /// When what it waits for must have happened; a reminder may come earlier and finds it later.
  private(set) var deadline: UInt64 = .max
  private var remindedAt: UInt64 = .max
  /// True while `read` runs, which then goes on by itself after a response.
  private(set) var isReading = false
  /// True from the peer's FIN: there is nothing more to read.
  private(set) var peerEnded = false
  /// What to do with the stream when all is written, in `leaving`.
  var onFlushed: ((_ isLeaving: Bool) -> Void)?
  /// Set where the connection is not let in: why, and when the last of it must be gone.
  var refusal: (reason: StaticString, until: UInt64)?
  /// True exactly while it is in the worker's `dirtyConnections`.
  private var isDirty = false

  var options: Options { worker.engine.options }

  init(stream: Stream, worker: Worker) {
    self.worker = worker
    self.stream = stream
    outbox = Outbox(pool: worker.pool)
    let options = worker.engine.options
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

  func streamReady(_ peer: Peer) {
    guard case .arriving = state else { return }
    parser.clientSubject = peer.certificateSubject
    state = .reading
    if let refusal { return refuse(503, refusal.reason) }
    parser.remote = peer.text
    let trusted = worker.engine.trustedProxies
    if trusted.contains(peer.client) { parser.forwarding = ForwardedFor(peer: peer.client, trusted: trusted) }
    setDeadline(worker.now + options.headerTimeoutMs)
  }

  // MARK: Reading

  func streamRead(_ bytes: UnsafeMutableRawBufferPointer) {
    worker.counters.add(.bytesIn, bytes.count)
    switch state {
    case .reading:
      if ahead.isEmpty {
        read(UnsafeRawBufferPointer(bytes))
      } else {
        ahead.append(contentsOf: bytes)
        if ahead.count > HTTPConnection.aheadBytesMax { stream.readStop() }
      }
    case .waiting, .streaming, .leaving:
      ahead.append(contentsOf: bytes)
      if ahead.count > HTTPConnection.aheadBytesMax { stream.readStop() }
    case .arriving, .finishing, .lingering, .gone: break
    }
  }

  /// Reads requests until the input is used up or one has to be waited for.
  private func read(_ bytes: UnsafeRawBufferPointer) {
    isReading = true
    defer {
      isReading = false
      unread = UnsafeRawBufferPointer(start: nil, count: 0)
    }
    var input = bytes
    while case .reading = state {
      // A client that does not read its responses is not read from either.
      if outbox.bytes > HTTPConnection.unreadBytesMax {
        writeOut()
        if outbox.bytes > HTTPConnection.unreadBytesMax {
          ahead = [UInt8](input)
          stream.readStop()
          return
        }
        continue
      }
      let before = parser.phase
      switch parser.next(&input) {
      case .needMore: return expectMore(since: before)
      case .continueExpected: queue(ResponseEncoder.continueResponse)
      case .invalid(let status, let reason): refuse(status, reason)
      case .request(let request):
        unread = input
        begin(request)
      }
    }
    // Unless the response came at once, the rest waits for it.
    switch state {
    case .waiting, .streaming, .leaving: ahead = [UInt8](input)
    case .arriving, .reading, .finishing, .lingering, .gone: break
    }
  }

  private func expectMore(since before: RequestParser.Phase) {
    switch parser.phase {
    // As it is since the accept, or the last response: empty lines are no request.
    case .idle: break
    // From its first byte on: bytes that trickle in gain no time.
    case .head: if before != .head { setDeadline(worker.now + options.headerTimeoutMs) }
    case .body: setDeadline(worker.now + options.bodyTimeoutMs)
    }
    if peerEnded { endOfInput() }
  }

  /// The peer has sent its FIN and all it sent was read: the connection ends when it has its responses.
  private func endOfInput() { isAllWritten ? end() : finish() }

  private func begin(_ request: HTTPRequest) {
    worker.counters.add(.requestsTotal)
    let exchange = Exchange(
      request: request, connection: self, deadlineMs: worker.now + options.identifyTimeoutMs)
    state = .waiting(exchange)
    setDeadline(exchange.deadline)
    worker.route(exchange)
  }

  /// What it sent in time was not read in time: it has its time anew.
  func streamGoesOn(heldSince: UInt64) {
    switch state {
    case .arriving: setDeadline(max(deadline, worker.now + options.handshakeTimeoutMs))
    case .reading:
      setDeadline(
        max(deadline, worker.now + (parser.phase == .body ? options.bodyTimeoutMs : options.headerTimeoutMs)))
      if !isReading { readAhead() }
    case .waiting, .streaming, .leaving, .finishing, .lingering, .gone: break
    }
  }

  func streamEnded() {
    peerEnded = true
    switch state {
    case .arriving: end()
    case .reading:
      // Requests that came before the FIN may still wait behind an unread response.
      if ahead.isEmpty { endOfInput() }
    case .waiting, .streaming:
      // It may have closed for good, or wait for its answer with its own side closed (RFC 9112, section 9.6). An answer
      // that comes at once still reaches it.
      setDeadline(min(deadline, worker.now + HTTPConnection.halfClosedMs))
    case .leaving, .finishing: break
    case .lingering: end()
    case .gone: break
    }
  }

  func streamFailed(_ code: Int32) { end() }

  func streamBroken(_ reason: String) {
    // What TLS has said last (an alert) still goes out.
    breakOff(reason, reset: false)
  }

  // MARK: Answering

  /// The response to the request that waits; to any other nothing.
  func respond(_ response: Response, to exchange: Exchange) {
    guard isWaiting(for: exchange) else { return }
    if response.isRefusal { worker.counters.add(.refused) }
    response.body.withUnsafeBytes {
      respond(status: response.status, headers: response.headers, body: $0, to: exchange)
    }
  }

  func respond(status: Int, headers: [HTTPHeader], body: UnsafeRawBufferPointer, to exchange: Exchange) {
    guard isWaiting(for: exchange) else { return }
    let facts = facts(for: exchange.request)
    encode(status: status, headers: headers, body: body, for: facts)
    goOn(keepAlive: facts.keepAlive)
  }

  /// False once it was answered, was too late, or its client has left.
  func isWaiting(for exchange: Exchange) -> Bool {
    if case .waiting(let waiting) = state { waiting === exchange } else { false }
  }

  func facts(for request: HTTPRequest, framing: StreamFraming? = nil) -> ResponseEncoder.Facts {
    let keepAlive = request.keepAlive && framing != .untilClose && !worker.isDraining && !isLastRequest
    return ResponseEncoder.Facts(isHEAD: request.isHEAD, isHTTP11: request.isHTTP11, keepAlive: keepAlive)
  }

  /// The peer has sent its FIN, and nothing behind the request that is answered.
  var isLastRequest: Bool { peerEnded && (isReading ? unread.isEmpty : ahead.isEmpty) }

  /// A response is over.
  func goOn(keepAlive: Bool) {
    guard keepAlive else { return finish() }
    state = .reading
    setDeadline(worker.now + options.keepaliveTimeoutMs)
    if !isReading { readAhead() }
  }

  /// Goes on with what came while a request waited, or was not read for the sake of unread responses.
  private func readAhead() {
    guard case .reading = state else { return }
    if !ahead.isEmpty {
      // What it sent ahead waits like what is still on its way.
      guard !stream.holdsBack() else { return }
      let rest = ahead
      ahead = []
      rest.withUnsafeBytes { read($0) }
    }
    guard case .reading = state, ahead.isEmpty else { return }
    if peerEnded { endOfInput() } else { stream.readStart() }
  }

  /// The engine's own answer to what is no request: after it the connection ends.
  private func refuse(_ status: Int, _ reason: StaticString) {
    worker.counters.add(.refused)
    worker.logPeer(.info, "\(stream.peer.text): \(status), \(reason)", about: Int(bitPattern: reason.utf8Start))
    let response = worker.refusal(status, "\(reason)")
    response.body.withUnsafeBytes {
      encode(status: status, headers: response.headers, body: $0, for: .unread(isHEAD: parser.refusesHEAD))
    }
    finish()
  }

  private func encode(
    status: Int, headers: [HTTPHeader], body: UnsafeRawBufferPointer, for facts: ResponseEncoder.Facts
  ) {
    let bytes = worker.pool.take(atLeast: 512 + body.count)
    ResponseEncoder.encode(
      status: status, headers: headers, body: body, for: facts, date: worker.httpDate(), into: bytes)
    outbox.queue(bytes, 0..<bytes.count)
    // Small responses are copied by the queue, and the storage is free again.
    if bytes.count < 1024 { worker.pool.give(bytes) }
    markDirty()
  }

  private func queue(_ text: StaticString) {
    outbox.queueCopy(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    markDirty()
  }

  // MARK: Writing

  /// The kernel has everything: the last TLS record too, which waits in the stream.
  var isAllWritten: Bool { outbox.isEmpty && !stream.isWriting }

  func markDirty() {
    guard !isDirty else { return }
    isDirty = true
    worker.dirtyConnections.append(self)
  }

  /// The end of the turn.
  func flush() {
    isDirty = false
    writeOut()
  }

  func writeOut() {
    if case .gone = state { return }
    var written = 0
    let progress = outbox.write(to: stream, written: &written)
    worker.counters.add(.bytesOut, written)
    if case .streaming(let response) = state, progress != .lost {
      streamProgressed(response, isProgress: written > 0)
    }
    switch progress {
    case .empty: flushed()
    case .waiting:
      switch state {
      case .waiting, .streaming: break
      default: setDeadline(worker.now + options.bodyTimeoutMs)
      }
    case .lost: end()
    }
  }

  func streamWritten() {
    worker.counters.add(.bytesOut, outbox.finishWrite())
    if case .streaming(let response) = state { streamProgressed(response, isProgress: true) }
    writeOut()
  }

  private func flushed() {
    switch state {
    case .reading:
      // It was in use until now, and had the time that a client may take to read.
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
      state = .lingering
      stream.shutdown()
      stream.readStart()
      setDeadline(worker.now + options.closeTimeoutMs)
    }
  }

  // MARK: Time

  /// The host has less time left than the reminder knows of.
  func hasten(_ exchange: Exchange) {
    guard isWaiting(for: exchange), !peerEnded else { return }
    setDeadline(exchange.deadline)
  }

  func setDeadline(_ wanted: UInt64) {
    let time = min(wanted, refusal?.until ?? .max)
    deadline = time
    guard time < remindedAt else { return }
    remindedAt = time
    worker.remind(handle, at: time)
  }

  func deadlineCame(_ now: UInt64) {
    // A reminder of a deadline that was renewed since: the one that counts is still to come.
    guard now >= remindedAt else { return }
    remindedAt = .max
    if case .gone = state { return }
    if case .waiting(let exchange) = state, !peerEnded { deadline = exchange.deadline }
    guard now >= deadline else { return setDeadline(deadline) }
    switch state {
    // What is not read cannot come in time.
    case .arriving where stream.isHeld, .reading where stream.isHeld: setDeadline(now + options.headerTimeoutMs)
    case .arriving:
      breakOff("the handshake did not end in time")
    case .reading:
      guard isAllWritten else { return resetUnread() }
      if parser.phase == .idle { end() } else { refuse(408, "the request did not come in time") }
    case .waiting(let exchange):
      if peerEnded { return end() }
      worker.logPeer(.warn, "\(exchange.request.summary): 503, the host did not answer in time")
      exchange.abandon()
      respond(worker.refusal(503, "the host did not answer in time"), to: exchange)
    case .streaming(let response): streamStalled(response)
    case .leaving, .finishing: resetUnread()
    case .lingering: end(reset: true)
    case .gone: break
    }
  }

  /// Bytes have waited for the client as long as they may.
  private func resetUnread() {
    worker.logPeer(.info, "\(stream.peer.text): reset, it does not read what it is sent")
    end(reset: true)
  }

  // MARK: Ending

  /// The engine stops: only a request in flight is still answered.
  func drain() {
    switch state {
    case .arriving: end(reset: true)
    case .reading:
      guard parser.phase == .idle, ahead.isEmpty else { return }
      endOfInput()
    case .waiting, .streaming, .leaving, .finishing, .lingering, .gone: break
    }
  }

  /// The grace is over.
  func abort() { end(reset: true, because: .gone) }

  /// No more requests: ends when what is queued has gone out.
  private func finish() {
    state = .finishing
    stream.readToEnd()
    ahead = []
    setDeadline(worker.now + options.bodyTimeoutMs)
    isAllWritten ? flushed() : markDirty()
  }

  /// The one end.
  func end(reset: Bool = false, because status: Status = .reset) {
    if case .gone = state { return }
    let ending = state
    state = .gone
    reset ? stream.reset() : stream.close()
    outbox.completed()
    outbox.discard()
    ahead = []
    worker.connections.remove(handle)
    // Before the last connection of an engine that stops is counted out.
    if case .streaming(let response) = ending { response.lost(status) }
    worker.connectionEnded(wasRefused: refusal != nil)
    if refusal != nil { worker.refusedConnections -= 1 }
    switch ending {
    case .waiting(let exchange): exchange.abandon()
    case .leaving:
      let then = onFlushed
      onFlushed = nil
      then?(false)
    case .arriving, .reading, .streaming, .finishing, .lingering, .gone: break
    }
  }
}
