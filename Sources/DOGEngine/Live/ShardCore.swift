/// One Shard: it answers requests and holds sockets. Everything but the immutable part belongs to its worker.
///
/// `@unchecked Sendable`: its home hands it to its worker when it is named; afterwards others only pass it along.
///
///     starting --started--> started --stop--> stopped
///        `--fail, stop---------------------------^
///
/// Until it has started, its host is asked nothing: requests that are placed on it wait with its Gateway.
final class ShardCore: DenseListElement, @unchecked Sendable {
  private enum Phase { case starting, started, stopped }

  let id: Name
  let gateway: GatewayCore
  /// Its slot in the Gateway's placement.
  let slot: Int
  let worker: Worker
  /// When it must have started; `.max` if it has started when `onstart` returns.
  let startDeadline: UInt64

  private(set) var handle = Handle.none
  var host: (any Shard)? { hostBox?.host }
  private var hostBox: HostBox<any Shard>? {
    didSet { hostToCall = hostBox.map { Unmanaged.passUnretained($0) } }
  }
  /// The same, for `withHost`.
  private var hostToCall: Unmanaged<HostBox<any Shard>>?
  /// Its scope in the slice's group.
  private(set) var scope = -1
  private(set) var slice: ClusterSlice!
  /// Among the slice's Shards.
  var listIndex = -1
  /// Its own questions that wait for answers of siblings.
  var rounds: [Handle: GossipRound] = [:]
  /// Questions of siblings that wait for its host.
  var gossips: [Handle: GossipTicket] = [:]
  /// The host's pointer (dog_shard_set_data).
  var data: UnsafeMutableRawPointer?
  private var phase = Phase.starting

  init(id: Name, gateway: GatewayCore, slot: Int, worker: Worker, startDeadline: UInt64) {
    self.id = id
    self.gateway = gateway
    self.slot = slot
    self.worker = worker
    self.startDeadline = startDeadline
  }

  /// Calls the host without a count of its reference: inside a callback, before whose end nothing takes it away.
  @inline(__always)
  func withHost(_ call: (any Shard) throws -> Void) rethrows {
    try hostToCall?._withUnsafeGuaranteedRef { try call($0.host) }
  }

  // MARK: Life

  var isStopped: Bool { phase == .stopped }
  var hasStarted: Bool { phase == .started }
  private var startsLater: Bool { startDeadline != .max }

  func start() {
    worker.assertHere()
    // A name may come after the engine has ended everything here: nobody waits for the Shard any more.
    guard !worker.isWindingDown else {
      phase = .stopped
      return
    }
    guard let handle = worker.tables.shards.insert(self, as: .shard) else {
      // All four million slots are taken.
      worker.logPeer(.error, "a worker holds no more Shards")
      phase = .stopped
      return tellFailed(503)
    }
    self.handle = handle
    slice = gateway.makeSlice(on: worker)
    scope = slice.add(self)
    worker.counters.add(.shards)
    worker.engine.directory.add(shard: handle, of: gateway.handle, startsLater: startsLater)
    if startsLater { worker.remind(handle, at: startDeadline) }
    worker.callOut { [self] in
      let host = gateway.childType.make(ShardHandle(handle))
      hostBox = HostBox(host)
      do {
        try host.onstart()
        if !startsLater { started() }
      } catch {
        fail(error as? Status ?? .host, "onstart returned an error: \(error)", answer: 500)
      }
    }
  }

  /// The host's answer to a start; its claim was won.
  func startAnswered(_ status: Status) {
    worker.assertHere()
    // It may come inside the onstart that it answers, which can still fail.
    worker.afterCallouts { [self] in
      status.isOK ? started() : fail(status, "\(status)", answer: 500)
    }
  }

  func startDeadlineCame(_ now: UInt64) {
    guard phase == .starting, now >= startDeadline else { return }
    // If the claim is lost, the answer is on its way.
    guard worker.engine.directory.claimStart(of: handle) else { return }
    fail(.timedOut, "no answer within start_timeout_ms", answer: 503)
  }

  private func started() {
    guard phase == .starting else { return }
    phase = .started
    worker.engine.directory.addSibling(handle, id, in: gateway.handle)
    gateway.tell(.started(slot: slot), from: worker)
  }

  /// The Shard did not start. Its host hears of its end before the next Shard can have its id.
  private func fail(_ status: Status, _ reason: String, answer: Int) {
    guard phase == .starting else { return }
    worker.logPeer(
      .error, "Shard \(id) of \(gateway.childType.name) did not start: \(status.name), \(reason)")
    stop()
    worker.afterCallouts { [self] in tellFailed(answer) }
  }

  private func tellFailed(_ status: Int) {
    gateway.tell(.failed(slot: slot, status: status), from: worker)
  }

  /// Ends the Shard, because it was empty for long enough, did not start, or the engine ends. Its host is told last.
  func stop() {
    worker.assertHere()
    guard !isStopped else { return }
    phase = .stopped
    assert(slice.count(scope: scope) == 0, "a Shard with sockets was retired")
    slice.remove(self)
    worker.engine.directory.removeSibling(handle, in: gateway.handle)
    for ticket in gossips.values { ticket.shardStopped() }
    for round in rounds.values { round.shardStopped() }
    worker.endCalls(of: handle)
    worker.callOut { [self] in
      host?.onstop()
      hostBox = nil
      worker.engine.directory.remove(shard: handle)
      worker.tables.shards.remove(handle)
      worker.tables.calls.withLock { $0.forget(handle) }
      worker.counters.add(.shards, -1)
    }
  }

  // MARK: Requests

  /// A request was placed here, with a place reserved. `spent` as with `GatewayCore.carryOut`.
  func receive(_ exchange: Exchange, _ place: Place, _ spent: Ticket? = nil) {
    worker.assertHere()
    guard !isStopped else {
      gateway.release(place, from: worker)
      return exchange.refuse(503, "the Shard has stopped", from: worker)
    }
    let timeoutMs = worker.options.receiveTimeoutMs
    if let spent {
      guard spent.putAgain(.receive(self), place: place, on: worker, timeoutMs: timeoutMs) else {
        return gateway.release(place, from: worker)
      }
      return worker.ask(spent)
    }
    guard
      let ticket = Ticket.put(.receive(self), exchange, place: place, on: worker, timeoutMs: timeoutMs)
    else { return gateway.release(place, from: worker) }
    worker.ask(ticket)
  }

  /// The host answers with an upgrade; the ticket has ended. The connection moves here from the worker it is on.
  func connect(_ exchange: Exchange, _ place: Place, _ upgrade: Upgrade) {
    worker.assertHere()
    if exchange.origin === worker {
      exchange.connection.giveUp(exchange) { [self] given in
        guard let given else { return gateway.release(place, from: worker) }
        open(given.stream, unread: given.unread, place, upgrade)
      }
      return
    }
    let isSent = exchange.origin.post { origin in
      exchange.connection.detach(exchange) { detached in
        guard let detached else { return self.gateway.release(place, from: origin) }
        guard !self.tell(.adopt(detached, place, upgrade), from: origin) else { return }
        origin.connectionEnded()
        self.gateway.release(place, from: origin)
      }
    }
    // That worker has ended, and the connection with it.
    if !isSent { gateway.release(place, from: worker) }
  }

  func adopt(_ detached: DetachedUpgrade, _ place: Place, _ upgrade: Upgrade) {
    worker.assertHere()
    do {
      let stream = try Stream.adopt(detached.connection, on: worker.loop)
      open(stream, unread: detached.unread, place, upgrade)
    } catch {
      worker.logPeer(
        .error, "\(detached.connection.peer.text): reset, it could not be moved to its Shard's worker")
      worker.connectionEnded()
      gateway.release(place, from: worker)
    }
  }

  private func open(_ stream: Stream, unread: [UInt8], _ place: Place, _ upgrade: Upgrade) {
    let socket = WebSocket(shard: self, stream: stream, place: place, deflate: upgrade.deflate, data: upgrade.data)
    guard !isStopped, !worker.isAborting, let handle = worker.tables.sockets.insert(socket, as: .socket) else {
      worker.logPeer(.info, "\(stream.peer.text): reset, its Shard has stopped")
      stream.reset()
      worker.connectionEnded()
      return gateway.release(place, from: worker)
    }
    socket.open(handle, upgrade, unread: unread)
  }

  // MARK: Sockets

  // Once it has stopped, its scope may be another Shard's, before its host has heard of the end.

  var socketCount: Int { isStopped ? 0 : slice.count(scope: scope) }

  func forEachSocket(_ body: (WebSocket) -> Void) {
    if !isStopped { slice.forEachMember(scope: scope, body) }
  }

  /// One message to its sockets, except `sender`.
  func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, excluding sender: WebSocket?) -> Status {
    guard FrameEncoder.frameSize(payload: payload.count) <= worker.options.outboxBytesMax else { return .tooBig }
    guard !isStopped else { return .ok }
    slice.append(kind, payload, scope: scope, excluding: sender)
    return .ok
  }

  /// A socket is closed for good.
  func socketEnded(_ socket: WebSocket) {
    slice.leave(socket)
    gateway.release(socket.place, from: worker)
  }
}

/// The host's checked wishes for a socket that it opens.
struct Upgrade: @unchecked Sendable {
  /// Sec-WebSocket-Accept.
  let accept: [UInt8]
  let selectedProtocol: String?
  let deflate: DeflateAgreement?
  let headers: [HTTPHeader]
  /// The host's pointer: passed on, never dereferenced.
  let data: UnsafeMutableRawPointer?
}

/// A connection on its way to its Shard's worker, with the bytes that were read after the request.
struct DetachedUpgrade: Sendable {
  let connection: DetachedConnection
  let unread: [UInt8]
}
