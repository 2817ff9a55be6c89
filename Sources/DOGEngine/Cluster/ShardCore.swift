/// One member of a cluster: where requests are answered and sockets live. Everything but the immutable part belongs to
/// its worker.
///
/// `@unchecked Sendable`: its home hands it to its worker when it is named; afterwards others only pass it along.
final class ShardCore: @unchecked Sendable {
  let id: Name
  let gateway: GatewayCore
  /// Its slot in the Gateway's placement.
  let slot: Int
  let worker: Worker

  private(set) var handle = Handle.none
  private(set) var host: (any Shard)?
  /// Its scope in the slice's group.
  private(set) var scope = -1
  private(set) var slice: ClusterSlice!
  /// Its own questions that wait for siblings.
  var roundCount = 0
  /// Questions of siblings that wait for its host.
  var gossips: [Handle: GossipTicket] = [:]
  /// The host's pointer (dog_shard_set_data).
  var data: UnsafeMutableRawPointer?
  private var isStopped = false

  init(id: Name, gateway: GatewayCore, slot: Int, worker: Worker) {
    self.id = id
    self.gateway = gateway
    self.slot = slot
    self.worker = worker
  }

  // MARK: Life

  func start() {
    worker.assertHere()
    slice = gateway.makeSlice(on: worker)
    scope = slice.add(self)
    guard let handle = worker.shards.insert(self, as: .shard) else {
      // No slot in four million: it exists, and refuses.
      worker.logPeer(.error, "a worker holds no more Shards")
      isStopped = true
      return
    }
    self.handle = handle
    worker.counters.add(.shards)
    worker.engine.directory.add(shard: handle, of: gateway.handle)
    worker.callOut { [self] in host = gateway.childType.make(ShardHandle(handle)) }
  }

  /// It was empty for long enough, or the engine ends. Its host is told; then nothing of it is left.
  func stop() {
    worker.assertHere()
    guard !isStopped else { return }
    isStopped = true
    assert(slice.count(scope: scope) == 0, "a Shard with sockets was retired")
    slice.remove(self)
    for ticket in gossips.values { ticket.shardStopped() }
    worker.callOut { [self] in
      host?.onstop()
      host = nil
      worker.engine.directory.remove(shard: handle)
      worker.shards.remove(handle)
      worker.counters.add(.shards, -1)
    }
  }

  // MARK: Requests

  /// A request was placed here, with a place reserved.
  func receive(_ exchange: Exchange, _ uid: Name) {
    worker.assertHere()
    guard !isStopped else {
      gateway.release(uid, slot: slot, from: worker)
      return exchange.refuse(503, "the Shard has stopped", from: worker)
    }
    guard
      let ticket = Ticket.put(
        .receive(self), exchange, uid: uid, on: worker, timeoutMs: worker.engine.options.receiveTimeoutMs)
    else { return gateway.release(uid, slot: slot, from: worker) }
    worker.ask(ticket) { [self] request in try host?.receive(request) }
  }

  /// The host answers with an upgrade; the ticket has ended. The connection comes over from the worker it is on.
  func connect(_ exchange: Exchange, _ uid: Name, _ upgrade: Upgrade) {
    worker.assertHere()
    if exchange.origin === worker {
      exchange.connection.giveUp(exchange) { [self] given in
        guard let given else { return gateway.release(uid, slot: slot, from: worker) }
        open(given.stream, unread: given.unread, uid, upgrade)
      }
      return
    }
    exchange.origin.post { origin in
      exchange.connection.detach(exchange) { detached in
        guard let detached else { return self.gateway.release(uid, slot: self.slot, from: origin) }
        self.worker.post { _ in self.adopt(detached, uid, upgrade) }
      }
    }
  }

  private func adopt(_ detached: DetachedUpgrade, _ uid: Name, _ upgrade: Upgrade) {
    worker.assertHere()
    do {
      let stream = try Stream.adopt(detached.connection, on: worker.loop)
      open(stream, unread: detached.unread, uid, upgrade)
    } catch {
      worker.logPeer(
        .error, "\(detached.connection.peer.text): reset, it could not be moved to its Shard's worker")
      worker.connectionEnded()
      gateway.release(uid, slot: slot, from: worker)
    }
  }

  private func open(_ stream: Stream, unread: [UInt8], _ uid: Name, _ upgrade: Upgrade) {
    let socket = WebSocket(shard: self, stream: stream, uid: uid, deflate: upgrade.deflate, data: upgrade.data)
    guard !isStopped, !worker.isAborting, let handle = worker.sockets.insert(socket, as: .socket) else {
      worker.logPeer(.info, "\(stream.peer.text): reset, its Shard has stopped")
      stream.reset()
      worker.connectionEnded()
      return gateway.release(uid, slot: slot, from: worker)
    }
    socket.open(handle, upgrade, unread: unread)
  }

  // MARK: Sockets

  // Its scope is another Shard's as soon as it has stopped, which is before its host has heard of it.

  var socketCount: Int { isStopped ? 0 : slice.count(scope: scope) }

  func forEachSocket(_ body: (WebSocket) -> Void) {
    if !isStopped { slice.forEachMember(scope: scope, body) }
  }

  /// One message to its sockets but `sender`.
  func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, excluding sender: WebSocket?) -> Status {
    guard FrameEncoder.frameSize(payload: payload.count) <= worker.engine.options.outboxBytesMax else { return .tooBig }
    guard !isStopped else { return .ok }
    slice.append(kind, payload, scope: scope, excluding: sender)
    return .ok
  }

  /// A socket is closed for good.
  func socketEnded(_ socket: WebSocket) {
    slice.leave(socket)
    gateway.release(socket.uid, slot: slot, from: worker)
  }
}

/// What a host wants of a socket that it opens, checked.
struct Upgrade: @unchecked Sendable {
  /// Sec-WebSocket-Accept.
  let accept: [UInt8]
  let selectedProtocol: String?
  let deflate: DeflateAgreement?
  let headers: [HTTPHeader]
  /// The host's pointer: carried, never looked into.
  let data: UnsafeMutableRawPointer?
}

/// A connection on its way to its Shard's worker, with what was read of it after the request.
struct DetachedUpgrade: Sendable {
  let connection: DetachedConnection
  let unread: [UInt8]
}
