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
    count.pointee = try engine.poll(capacity: capacity, timeoutMs: timeout_ms) { record, bytes in
      next.initialize(to: dog_event_t(record, bytes, engine.events))
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
  fileprivate init(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer, _ events: HostEvents?) {
    self.init()
    type = dog_event_type_t(rawValue: UInt32(clamping: record.kind.rawValue))
    status = dog_status_t(rawValue: record.status.rawValue)
    user = record.user
    gateway = record.gateway.rawValue
    shard = record.shard.rawValue
    socket = record.socket.rawValue
    if record.kind == .gossip { gossip = record.question.rawValue } else { request = record.question.rawValue }
    data = bytes.start
    length = bytes.count
    switch record.kind {
    case .message: kind = dog_kind_t(rawValue: record.code)
    case .close, .log: code = record.code
    case .drain, .whispered: count = record.number
    case .gossiped: takeResults(of: record, events)
    case .fetch, .identify, .clusterize, .receive, .gossip, .start, .stop, .open, .error, .writable, .ended, .stopped,
      .retire, .call, .forget:
      break
    }
    clean = record.isClean ? 1 : 0
  }

  private mutating func takeResults(of record: EventRecord, _ events: HostEvents?) {
    guard let all = (record.object as? GossipResults)?.all, let events, !all.isEmpty else { return }
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
