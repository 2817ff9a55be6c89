import CDOG

@c @implementation
public func dog_shard_id(
  _ shard: dog_shard_t, _ id: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let found = ShardHandle(rawValue: shard)
    return try lend(found.look().id.bytes, of: found.handle, id, length)
  }
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
    try ShardHandle(rawValue: shard).setData(data)
    return .ok
  }
}

@c @implementation
public func dog_shard_data(
  _ shard: dog_shard_t, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> dog_status_t {
  outcome {
    let found = try ShardHandle(rawValue: shard).look()
    try required(data).pointee = found.data
    return .ok
  }
}

@c @implementation
public func dog_shard_count(_ shard: dog_shard_t, _ count: UnsafeMutablePointer<Int>?) -> dog_status_t {
  outcome {
    let open = try ShardHandle(rawValue: shard).lookAtSockets(0) { _, _ in }
    try required(count).pointee = open
    return .ok
  }
}

@c @implementation
public func dog_shard_sockets(
  _ shard: dog_shard_t, _ sockets: UnsafeMutablePointer<dog_socket_t>?, _ capacity: Int,
  _ count: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let found = ShardHandle(rawValue: shard)
    guard capacity >= 0 else { return .invalid }
    let open = try found.lookAtSockets(sockets == nil ? 0 : capacity) { sockets?[$0] = $1.rawValue }
    let count = try required(count)
    guard capacity == 0 || sockets != nil else { return .invalid }
    count.pointee = open
    return .ok
  }
}

@c @implementation
public func dog_shard_started(_ shard: dog_shard_t, _ status: dog_status_t) -> dog_status_t {
  outcome { ShardHandle(rawValue: shard).started(Status(status)) }
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
    let sender = ShardHandle(rawValue: shard)
    return try sender.whisper(
      name(uid, uid_length), MessageKind(kind), bytes(data, length),
      whispered: hostWhispered(by: sender.handle, whispered, user))
  }
}

@c @implementation
public func dog_shard_gossip(
  _ shard: dog_shard_t, _ data: UnsafeRawPointer?, _ length: Int, _ timeout_ms: UInt32, _ gossiped: dog_gossiped_fn?,
  _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    let asker = ShardHandle(rawValue: shard)
    let question = try bytes(data, length)
    if asker.handle.takesEvents {
      guard gossiped == nil else { return .invalid }
      return asker.gossip(
        question, timeoutMs: UInt64(timeout_ms), gossiped: Outcomes.gossiped(to: asker.handle, HostPointer(user)))
    }
    guard let gossiped else { return .invalid }
    let host = HostGossiped(gossiped: gossiped, user: user, shard: shard)
    return asker.gossip(question, timeoutMs: UInt64(timeout_ms)) { host($0, $1) }
  }
}

/// The host's callback for one question.
///
/// `@unchecked Sendable`: never changed; `user` is passed on and never dereferenced.
private struct HostGossiped: @unchecked Sendable {
  let gossiped: dog_gossiped_fn
  let user: UnsafeMutableRawPointer?
  let shard: dog_shard_t

  func callAsFunction(_ status: Status, _ results: [GossipResult]) {
    guard let worker = Worker.current else { return }
    let lent = results.map { dog_gossip_result_t($0, &worker.callouts.lender) }
    let status = dog_status_t(rawValue: status.rawValue)
    lent.withUnsafeBufferPointer { gossiped(user, shard, status, $0.baseAddress, $0.count) }
  }
}

extension dog_gossip_result_t {
  init(_ result: GossipResult, _ lender: inout Lender) {
    let id = lender.lend(result.shardID.bytes)
    let data = lender.lend(result.data)
    self.init(
      shard: result.shard.rawValue, shard_id: id.text, shard_id_length: id.count,
      status: dog_status_t(rawValue: result.status.rawValue), data: data.start, length: data.count)
  }
}
