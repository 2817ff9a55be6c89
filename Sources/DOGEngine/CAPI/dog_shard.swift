import CDOG

@c @implementation
public func dog_shard_id(
  _ shard: dog_shard_t, _ id: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome { try lend(ShardHandle(rawValue: shard).find().id.bytes, id, length) }
}

@c @implementation
public func dog_shard_gateway(
  _ shard: dog_shard_t, _ gateway: UnsafeMutablePointer<dog_gateway_t>?
) -> dog_status_t {
  outcome {
    let found = try ShardHandle(rawValue: shard).findGateway()
    try required(gateway).pointee = found.rawValue
    return .ok
  }
}

@c @implementation
public func dog_shard_set_data(_ shard: dog_shard_t, _ data: UnsafeMutableRawPointer?) -> dog_status_t {
  outcome {
    try ShardHandle(rawValue: shard).find().data = data
    return .ok
  }
}

@c @implementation
public func dog_shard_data(
  _ shard: dog_shard_t, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> dog_status_t {
  outcome {
    let found = try ShardHandle(rawValue: shard).find()
    try required(data).pointee = found.data
    return .ok
  }
}

@c @implementation
public func dog_shard_count(_ shard: dog_shard_t, _ count: UnsafeMutablePointer<Int>?) -> dog_status_t {
  outcome {
    let found = try ShardHandle(rawValue: shard).find()
    try required(count).pointee = found.socketCount
    return .ok
  }
}

@c @implementation
public func dog_shard_sockets(
  _ shard: dog_shard_t, _ sockets: UnsafeMutablePointer<dog_socket_t>?, _ capacity: Int,
  _ count: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let found = try ShardHandle(rawValue: shard).find()
    let count = try required(count)
    var index = 0
    if capacity != 0 {
      guard let sockets, capacity > 0 else { return .invalid }
      found.forEachSocket { socket in
        guard index < capacity else { return }
        sockets[index] = socket.handle.rawValue
        index += 1
      }
    }
    count.pointee = found.socketCount
    return .ok
  }
}

@c @implementation
public func dog_shard_emit(
  _ shard: dog_shard_t, _ kind: dog_kind_t, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome { try ShardHandle(rawValue: shard).emit(MessageKind(kind), bytes(data, length)) }
}

@c @implementation
public func dog_shard_broadcast(
  _ shard: dog_shard_t, _ kind: dog_kind_t, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome { try ShardHandle(rawValue: shard).broadcast(MessageKind(kind), bytes(data, length)) }
}

@c @implementation
public func dog_shard_whisper(
  _ shard: dog_shard_t, _ uid: UnsafePointer<CChar>?, _ uid_length: Int, _ kind: dog_kind_t, _ data: UnsafeRawPointer?,
  _ length: Int, _ whispered: dog_whispered_fn?, _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    try ShardHandle(rawValue: shard).whisper(
      name(uid, uid_length), MessageKind(kind), bytes(data, length), whispered: hostWhispered(whispered, user))
  }
}

@c @implementation
public func dog_shard_gossip(
  _ shard: dog_shard_t, _ data: UnsafeRawPointer?, _ length: Int, _ timeout_ms: UInt32, _ gossiped: dog_gossiped_fn?,
  _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    guard let gossiped else { return .invalid }
    let host = HostGossiped(gossiped: gossiped, user: user, shard: shard)
    let question = try bytes(data, length)
    let handle = ShardHandle(rawValue: shard)
    return handle.gossip(question, timeoutMs: UInt64(timeout_ms)) { host($0) }
  }
}

/// The host's callback for one question.
///
/// `@unchecked Sendable`: never changed; `user` is handed through and never looked into.
private struct HostGossiped: @unchecked Sendable {
  let gossiped: dog_gossiped_fn
  let user: UnsafeMutableRawPointer?
  let shard: dog_shard_t

  func callAsFunction(_ results: [GossipResult]) {
    guard let worker = Worker.current else { return }
    let lent = results.map { result in
      let id = worker.callouts.lend(result.shardID.bytes)
      let data = worker.callouts.lend(result.data)
      return dog_gossip_result_t(
        shard: result.shard.rawValue, shard_id: id.text, shard_id_length: id.count,
        status: dog_status_t(rawValue: result.status.rawValue), data: data.start, length: data.count)
    }
    lent.withUnsafeBufferPointer { gossiped(user, shard, $0.baseAddress, $0.count) }
  }
}
