/// One cluster as it is now: for a page or a tool that shows what runs.
public struct ClusterView: Sendable {
  public struct ShardView: Sendable {
    public let id: Name
    public let worker: Int
    /// Places taken: requests in flight and sockets.
    public let connections: Int
    /// One for each socket.
    public internal(set) var uids: [Name]
  }

  public let gatewayClass: String
  public let name: Name
  public let limit: Int
  public let connections: Int
  public internal(set) var shards: [ShardView]
}

extension Engine {
  /// Looks at every cluster. Each worker is asked for its own part, so the parts are of slightly different moments.
  /// `done` is called on one of the workers, unless the engine ends first. Any thread.
  public func inspect(_ done: @escaping @Sendable ([ClusterView]) -> Void) -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard lifecycle.wasStarted else { return .wrongState }
    let inspection = Inspection(workers: workers.count)
    for worker in workers {
      let isSent = worker.post { worker in
        if let views = inspection.add(worker) { worker.callOut { done(views) } }
      }
      guard isSent else { return .stale }
    }
    return .ok
  }
}

/// Gathers the workers' parts.
private final class Inspection: Sendable {
  /// Two clusters may have Shards of the same name.
  private struct ShardKey: Hashable {
    let gateway: Handle
    let id: Name
  }

  private struct State {
    var missing: Int
    var clusters: [(gateway: Handle, view: ClusterView)] = []
    var uids: [ShardKey: [Name]] = [:]
  }

  private let state: Lock<State>

  init(workers: Int) { state = Lock(State(missing: workers)) }

  /// Adds what lives on this worker; returns the whole if it is the last.
  func add(_ worker: Worker) -> [ClusterView]? {
    var clusters: [(gateway: Handle, view: ClusterView)] = []
    worker.tables.gateways.forEach { clusters.append(($0.handle, $0.view)) }
    var uids: [(shard: ShardKey, uids: [Name])] = []
    worker.tables.shards.forEach { shard in
      var names: [Name] = []
      shard.forEachSocket { names.append($0.uid) }
      uids.append((ShardKey(gateway: shard.gateway.handle, id: shard.id), names))
    }
    return state.withLock { [clusters, uids] state in
      state.clusters += clusters
      for (shard, names) in uids { state.uids[shard, default: []] += names }
      state.missing -= 1
      guard state.missing == 0 else { return nil }
      return state.clusters.map { cluster in
        var view = cluster.view
        for index in view.shards.indices {
          let key = ShardKey(gateway: cluster.gateway, id: view.shards[index].id)
          view.shards[index].uids = state.uids[key] ?? []
        }
        return view
      }
    }
  }
}
