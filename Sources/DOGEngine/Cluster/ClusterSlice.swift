/// The part of one cluster that lives on one worker: its Shards there, their sockets, and who is among them.
/// Broadcasts, whispers and gossip cross once to each worker that has a slice, whatever the number of Shards.
final class ClusterSlice {
  unowned let gateway: GatewayCore
  unowned let worker: Worker
  let group: Group<WebSocket>
  private(set) var shards: [ShardCore] = []
  /// The first of a uid's sockets here; the others follow by `WebSocket.nextOfUID`.
  private var firstOfUID: [Name: WebSocket] = [:]
  private var isDirty = false

  /// What a turn's batch may hold before it is sent in mid-turn: a bound on memory, not on the host.
  private static let batchBytesMax = 1 << 20

  init(gateway: GatewayCore, worker: Worker) {
    self.gateway = gateway
    self.worker = worker
    group = Group(pool: worker.pool)
  }

  // MARK: Members

  func add(_ shard: ShardCore) -> Int {
    shards.append(shard)
    return group.addScope()
  }

  func remove(_ shard: ShardCore) {
    shards.removeAll { $0 === shard }
    group.removeScope(shard.scope)
  }

  func join(_ socket: WebSocket) {
    group.join(socket, scope: socket.shard.scope)
    if let first = firstOfUID[socket.uid] {
      socket.nextOfUID = first.nextOfUID
      socket.previousOfUID = first
      first.nextOfUID?.previousOfUID = socket
      first.nextOfUID = socket
    } else {
      firstOfUID[socket.uid] = socket
    }
  }

  /// The socket gets nothing more from others; what was sent to it before is in its outbox.
  func leave(_ socket: WebSocket) {
    guard socket.seat.isTaken else { return }
    if !socket.hasEnded { group.catchUp(socket) }
    group.leave(socket)
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
    group.append(size: FrameEncoder.frameSize(payload: payload.count), scope: scope, excluding: sender) {
      FrameEncoder.write(opcode: Opcode(kind), payload: payload, to: $0)
    }
    markDirty()
  }

  /// The same, encoded before on another worker.
  func deliver(_ frame: SharedFrame, scope: Int?, excluding sender: WebSocket?) {
    group.append(frame, scope: scope, excluding: sender)
    markDirty()
  }

  /// To every socket of `uid` here; returns to how many it was queued.
  func whisper(_ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Int {
    // Gathered first: a send may end its socket, and the host's onclose another of these.
    var sockets: [WebSocket] = []
    var next = firstOfUID[uid]
    while let socket = next {
      sockets.append(socket)
      next = socket.nextOfUID
    }
    var reached = 0
    for socket in sockets where socket.send(kind, payload).isOK { reached += 1 }
    return reached
  }

  /// Asks the Shards here, the asker left out.
  func ask(
    _ question: UnsafeRawBufferPointer, _ round: GossipRound, _ handle: Handle, from asker: ShardCore, deadline: UInt64
  ) {
    var tickets: [GossipTicket] = []
    var siblings: [(handle: Handle, id: Name)] = []
    for shard in shards where shard !== asker {
      guard let ticket = GossipTicket.make(shard, round, handle, deadline: deadline) else { continue }
      tickets.append(ticket)
      siblings.append((shard.handle, shard.id))
    }
    round.reportFrom(worker, handle, siblings)
    for ticket in tickets { ticket.ask(question) }
  }

  private func markDirty() {
    if group.pendingBytes > ClusterSlice.batchBytesMax { return flush() }
    guard !isDirty, group.isDirty else { return }
    isDirty = true
    worker.dirtySlices.append(self)
  }

  func flush() {
    isDirty = false
    group.flush()
    worker.closeDoomed()
  }
}
