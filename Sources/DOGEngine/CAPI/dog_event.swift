import CDOG

@c @implementation
public func dog_engine_poll(
  _ engine: OpaquePointer?, _ events: UnsafeMutablePointer<dog_event_t>?, _ capacity: Int, _ timeout_ms: Int32,
  _ count: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    let (events, count) = (try required(events), try required(count))
    guard capacity > 0, timeout_ms >= -1, timeout_ms <= Options.dayMs else { return .invalid }
    count.pointee = 0
    var next = events
    let taken = engine.events
    count.pointee = try engine.poll(capacity: capacity, timeoutMs: timeout_ms) { record, batch in
      next.initialize(to: dog_event_t())
      next.pointee.set(record, of: batch, taken)
      next += 1
    }
    return .ok
  }
}

@c @implementation
public func dog_engine_wait_fd(_ engine: OpaquePointer?, _ fd: UnsafeMutablePointer<Int32>?) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    let result = try required(fd)
    guard let events = engine.events else { return .wrongState }
    result.pointee = events.queue.descriptor
    return .ok
  }
}

extension dog_event_t {
  /// Of an event that was zeros. No initializer, because one owns what it is given, which would count references.
  @inline(__always)
  fileprivate mutating func set(_ record: EventRecord, of batch: EventBatch, _ events: HostEvents?) {
    type = dog_event_type_t(rawValue: UInt32(clamping: record.kind.rawValue))
    status = dog_status_t(rawValue: record.status.rawValue)
    user = record.user
    gateway = record.gateway.rawValue
    shard = record.shard.rawValue
    socket = record.socket.rawValue
    if record.kind == .gossip { gossip = record.question.rawValue } else { request = record.question.rawValue }
    let bytes = batch.bytes(of: record)
    data = bytes.start
    length = bytes.count
    switch record.kind {
    case .message: kind = dog_kind_t(rawValue: record.code)
    case .close, .log: code = record.code
    case .drain, .whispered: count = record.number
    case .gossiped: takeResults(batch.object(of: record) as? GossipResults, events)
    case .fetch, .identify, .clusterize, .receive, .gossip, .start, .stop, .open, .error, .writable, .ended, .stopped,
      .retire, .call, .forget:
      break
    }
    clean = record.isClean ? 1 : 0
  }

  private mutating func takeResults(_ found: GossipResults?, _ events: HostEvents?) {
    guard let all = found?.all, let events, !all.isEmpty else { return }
    count = UInt64(clamping: all.count)
    results = events.view.withLender { lender in
      let size = all.count * MemoryLayout<dog_gossip_result_t>.stride
      let lent = lender.lend(byteCount: size).bindMemory(to: dog_gossip_result_t.self, capacity: all.count)
      for (index, result) in all.enumerated() {
        (lent + index).initialize(to: dog_gossip_result_t(result, &lender))
      }
      return UnsafePointer(lent)
    }
  }
}
