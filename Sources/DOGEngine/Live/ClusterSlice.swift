/// The part of one cluster that lives on one worker: its Shards there, their sockets, and an index of their uids.
/// Broadcasts, whispers and gossip cross once to each worker that has a slice, whatever the number of Shards.
final class ClusterSlice {
  unowned let gateway: GatewayCore
  /// Unsafe, so that reading it costs no reference count: a slice is used only on its worker, which is alive then.
  unowned(unsafe) let worker: Worker
  /// The sockets that get messages as they are.
  let plain: Group<WebSocket>
  /// One for each other encoding, by the bits of its window less 8; made for its first socket. All groups number the
  /// Shards alike.
  var compressed: ContiguousArray<Group<WebSocket>?> = []
  private var shards = DenseList<ShardCore>()
  /// The first of a uid's sockets here; the others follow by `WebSocket.nextOfUID`.
  private var firstOfUID: [Name: WebSocket] = [:]
  private var isDirty = false

  /// What a turn's batch may hold before it is delivered in mid-turn: a bound on memory, not on the host.
  private static let batchBytesMax = 1 << 20

  init(gateway: GatewayCore, worker: Worker) {
    self.gateway = gateway
    self.worker = worker
    plain = Group(pool: worker.pool)
  }

  // MARK: Members

  func add(_ shard: ShardCore) -> Int {
    shards.append(shard)
    forEachCompressed { _ = $0.addScope() }
    return plain.addScope()
  }

  func remove(_ shard: ShardCore) {
    shards.remove(shard)
    forEachCompressed { $0.removeScope(shard.scope) }
    plain.removeScope(shard.scope)
  }

  func join(_ socket: WebSocket) {
    socket.group.join(socket, scope: socket.shard.scope)
    if socket.group.memberCount == 1 { tellEncodings() }
    if let first = firstOfUID[socket.uid] {
      socket.nextOfUID = first.nextOfUID
      socket.previousOfUID = first
      first.nextOfUID?.previousOfUID = socket
      first.nextOfUID = socket
    } else {
      firstOfUID[socket.uid] = socket
    }
  }

  /// The socket gets nothing more from others. What was sent to it before goes into its outbox, unless it has lost a
  /// message: then it gets no later one.
  func leave(_ socket: WebSocket) {
    guard socket.seat.isTaken else { return }
    if !socket.hasEnded, socket.doom == nil { socket.group.catchUp(socket) }
    socket.group.leave(socket)
    if socket.group.memberCount == 0 { tellEncodings() }
    if let previous = socket.previousOfUID {
      previous.nextOfUID = socket.nextOfUID
    } else {
      firstOfUID[socket.uid] = socket.nextOfUID
    }
    socket.nextOfUID?.previousOfUID = socket.previousOfUID
    socket.nextOfUID = nil
    socket.previousOfUID = nil
  }

  // MARK: Sending

  /// One message to the members here: of one Shard, or of all.
  @inline(__always)
  func append(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, scope: Int?, excluding sender: WebSocket?) {
    if !compressed.isEmpty { return appendEncoded(kind, payload, scope: scope, excluding: sender) }
    plain.append(size: FrameEncoder.frameSize(payload: payload.count), scope: scope, excluding: sender) {
      FrameEncoder.write(opcode: Opcode(kind), payload: payload, to: $0)
    }
    markDirty()
  }

  /// A broadcast from another worker.
  func deliver(_ frame: SharedFrame) {
    if !compressed.isEmpty { return deliverEncoded(frame) }
    plain.append(frame)
    markDirty()
  }

  /// To every socket of `uid` here; returns to how many it was queued.
  func whisper(_ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Int {
    // Gathered first: a send may end its socket, and the host's onclose may end another of these.
    var sockets: [WebSocket] = []
    var next = firstOfUID[uid]
    while let socket = next {
      sockets.append(socket)
      next = socket.nextOfUID
    }
    return send(kind, payload, to: sockets)
  }

  /// Asks the Shards here, the asker left out; one that has not started is no sibling yet.
  func ask(
    _ question: UnsafeRawBufferPointer, _ round: GossipRound, _ handle: Handle, from asker: ShardCore, deadline: UInt64
  ) {
    var tickets: [GossipTicket] = []
    var siblings: [(handle: Handle, id: Name)] = []
    for shard in shards.elements where shard !== asker && shard.hasStarted {
      guard let ticket = GossipTicket.make(shard, round, handle, deadline: deadline) else { continue }
      tickets.append(ticket)
      siblings.append((shard.handle, shard.id))
    }
    round.reportFrom(worker, handle, siblings)
    for ticket in tickets { ticket.ask(question) }
  }

  func markDirty() {
    if pendingBytes > ClusterSlice.batchBytesMax { return flush() }
    guard !isDirty, hasPending else { return }
    isDirty = true
    worker.turn.slices.append(self)
  }

  func flush() {
    isDirty = false
    plain.flush()
    forEachCompressed { $0.flush() }
    worker.turn.closeDoomed()
  }
}
