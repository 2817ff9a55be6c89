/// Every object that lives on one worker, by handle.
struct Tables {
  let connections: SlotMap<HTTPConnection>
  let sockets: SlotMap<WebSocket>
  let tickets: SlotMap<Ticket>
  let shards: SlotMap<ShardCore>
  let gateways: SlotMap<GatewayCore>
  let gossips: SlotMap<GossipTicket>
  let gossipRounds: SlotMap<GossipRound>
  let lingerings: SlotMap<Lingering>
  let streams = StreamTable()
  let calls: Lock<HostCalls>

  init(engine: Int, worker: Int, firstGeneration: UInt32, timersMax: Int) {
    func map<Object>() -> SlotMap<Object> {
      SlotMap(engine: engine, worker: worker, firstGeneration: firstGeneration)
    }
    connections = map()
    sockets = map()
    tickets = map()
    shards = map()
    gateways = map()
    gossips = map()
    gossipRounds = map()
    lingerings = map()
    calls = Lock(
      HostCalls(engine: engine, worker: worker, firstGeneration: firstGeneration, timersMax: timersMax))
  }

  /// Tells the object of this handle, if it is still there, that its time has come. Returns how much work was done that
  /// `Worker.atOnceMax` limits. On its worker.
  func remind(_ handle: Handle, _ now: UInt64, on worker: Worker) -> Int {
    switch handle.kind {
    case .gateway: return gateways.find(handle)?.sweep(now) ?? 0
    case .connection: connections.find(handle)?.deadlineCame(now)
    case .socket: sockets.find(handle)?.deadlineCame(now)
    case .clusterize: if let ticket = tickets.find(handle) { ticket.clusterizeTimedOut(on: worker) }
    case .gossip: gossips.find(handle)?.deadlineCame()
    case .gossipRound: gossipRounds.find(handle)?.deadlineCame()
    case .lingering: lingerings.find(handle)?.deadlineCame(now)
    case .timer: worker.call(handle)
    case .shard: shards.find(handle)?.startDeadlineCame(now)
    case .fetch, .identify, .receive, .waiting, nil: break
    }
    return 0
  }

  /// Frees questions that another thread has claimed and whose answer came too late: they hold the worker. Called when
  /// its own thread has ended and no such answer is under way.
  func letGoOfClaimed() {
    tickets.forEach { tickets.remove($0.handle) }
    gossips.forEach { $0.end(.gone, []) }
  }
}
