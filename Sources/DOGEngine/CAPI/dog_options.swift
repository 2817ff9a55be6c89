import CDOG

@c @implementation
public func dog_options_init(_ options: UnsafeMutablePointer<dog_options_t>?, _ size: Int) -> dog_status_t {
  outcome { try dog_options_t.make(options, size: size) }
}

extension dog_options_t: HostStruct {
  static var defaults: dog_options_t { dog_options_t(Options()) }

  fileprivate init(_ options: Options) {
    self.init()
    workers = UInt32(clamping: options.workers)
    log_level = dog_log_level_t(rawValue: UInt32(clamping: options.logLevel.rawValue))
    connections_max = UInt32(clamping: options.connectionsMax)
    gateways_max = UInt32(clamping: options.gatewaysMax)
    shards_max = UInt32(clamping: options.shardsMax)
    mailbox_bytes_max = UInt32(clamping: options.mailboxBytesMax)
    target_bytes_max = UInt32(clamping: options.targetBytesMax)
    header_bytes_max = UInt32(clamping: options.headerBytesMax)
    header_count_max = UInt32(clamping: options.headerCountMax)
    body_bytes_max = UInt32(clamping: options.bodyBytesMax)
    message_bytes_max = UInt32(clamping: options.messageBytesMax)
    outbox_bytes_max = UInt32(clamping: options.outboxBytesMax)
    outbox_policy = dog_outbox_policy_t(rawValue: UInt32(clamping: options.outboxPolicy.rawValue))
    gossip_bytes_max = UInt32(clamping: options.gossipBytesMax)
    gossips_max = UInt32(clamping: options.gossipsMax)
    header_timeout_ms = UInt32(clamping: options.headerTimeoutMs)
    body_timeout_ms = UInt32(clamping: options.bodyTimeoutMs)
    keepalive_timeout_ms = UInt32(clamping: options.keepaliveTimeoutMs)
    identify_timeout_ms = UInt32(clamping: options.identifyTimeoutMs)
    receive_timeout_ms = UInt32(clamping: options.receiveTimeoutMs)
    ping_interval_ms = UInt32(clamping: options.pingIntervalMs)
    ping_timeout_ms = UInt32(clamping: options.pingTimeoutMs)
    close_timeout_ms = UInt32(clamping: options.closeTimeoutMs)
    connections_per_address_max = UInt32(clamping: options.connectionsPerAddressMax)
    frame_bytes_max = UInt32(clamping: options.frameBytesMax)
    handshake_timeout_ms = UInt32(clamping: options.handshakeTimeoutMs)
    idle_timeout_ms = UInt32(clamping: options.idleTimeoutMs)
    gossip_timeout_ms = UInt32(clamping: options.gossipTimeoutMs)
    message_rate_max = UInt32(clamping: options.messageRateMax)
    message_burst_max = UInt32(clamping: options.messageBurstMax)
    byte_rate_max = UInt32(clamping: options.byteRateMax)
    byte_burst_max = UInt32(clamping: options.byteBurstMax)
    rate_policy = dog_rate_policy_t(rawValue: UInt32(clamping: options.ratePolicy.rawValue))
    admission_lag_ms = UInt32(clamping: options.admissionLagMs)
    admission_memory_bytes = options.admissionMemoryBytes
    retry_after_seconds = UInt32(clamping: options.retryAfterSeconds)
    delivery = dog_delivery_t(rawValue: UInt32(clamping: options.delivery.rawValue))
    events_max = UInt32(clamping: options.eventsMax)
    event_bytes_max = UInt32(clamping: options.eventBytesMax)
  }
}

extension Options {
  /// As the host has set them. The ranges of numbers are the engine's to check; a number that is no member of its enum
  /// cannot be brought over at all, and is refused here.
  init(_ host: dog_options_t) throws(Status) {
    self.init()
    let hostLog = host.log.map { HostLog(write: $0, user: host.log_user) }
    if let hostLog { log = { hostLog($0, $1) } }
    guard let level = LogLevel(rawValue: Int32(truncatingIfNeeded: host.log_level.rawValue)) else {
      hostLog?(.error, "option log_level is out of its range")
      throw .invalid
    }
    guard let policy = OutboxPolicy(rawValue: Int32(truncatingIfNeeded: host.outbox_policy.rawValue)) else {
      hostLog?(.error, "option outbox_policy is out of its range")
      throw .invalid
    }
    guard let rates = RatePolicy(rawValue: Int32(truncatingIfNeeded: host.rate_policy.rawValue)) else {
      hostLog?(.error, "option rate_policy is out of its range")
      throw .invalid
    }
    guard let delivery = Delivery(rawValue: Int32(truncatingIfNeeded: host.delivery.rawValue)) else {
      hostLog?(.error, "option delivery is out of its range")
      throw .invalid
    }
    workers = Int(host.workers)
    logLevel = level
    connectionsMax = Int(host.connections_max)
    gatewaysMax = Int(host.gateways_max)
    shardsMax = Int(host.shards_max)
    mailboxBytesMax = Int(host.mailbox_bytes_max)
    targetBytesMax = Int(host.target_bytes_max)
    headerBytesMax = Int(host.header_bytes_max)
    headerCountMax = Int(host.header_count_max)
    bodyBytesMax = Int(host.body_bytes_max)
    messageBytesMax = Int(host.message_bytes_max)
    outboxBytesMax = Int(host.outbox_bytes_max)
    outboxPolicy = policy
    gossipBytesMax = Int(host.gossip_bytes_max)
    gossipsMax = Int(host.gossips_max)
    headerTimeoutMs = UInt64(host.header_timeout_ms)
    bodyTimeoutMs = UInt64(host.body_timeout_ms)
    keepaliveTimeoutMs = UInt64(host.keepalive_timeout_ms)
    identifyTimeoutMs = UInt64(host.identify_timeout_ms)
    receiveTimeoutMs = UInt64(host.receive_timeout_ms)
    pingIntervalMs = UInt64(host.ping_interval_ms)
    pingTimeoutMs = UInt64(host.ping_timeout_ms)
    closeTimeoutMs = UInt64(host.close_timeout_ms)
    connectionsPerAddressMax = Int(host.connections_per_address_max)
    if host.trusted_proxies != nil {
      do {
        trustedProxies = try text(host.trusted_proxies)
      } catch {
        hostLog?(.error, "option trusted_proxies is too long, or not UTF-8")
        throw error
      }
    }
    frameBytesMax = Int(host.frame_bytes_max)
    handshakeTimeoutMs = UInt64(host.handshake_timeout_ms)
    idleTimeoutMs = UInt64(host.idle_timeout_ms)
    gossipTimeoutMs = UInt64(host.gossip_timeout_ms)
    messageRateMax = Int(host.message_rate_max)
    messageBurstMax = Int(host.message_burst_max)
    byteRateMax = Int(host.byte_rate_max)
    byteBurstMax = Int(host.byte_burst_max)
    ratePolicy = rates
    admissionLagMs = UInt64(host.admission_lag_ms)
    admissionMemoryBytes = host.admission_memory_bytes
    retryAfterSeconds = Int(host.retry_after_seconds)
    self.delivery = delivery
    eventsMax = Int(host.events_max)
    eventBytesMax = Int(host.event_bytes_max)
  }
}

/// The host's log function.
///
/// `@unchecked Sendable`: dog.h says that it is called on any thread; the pointer is handed through and never looked
/// into.
private struct HostLog: @unchecked Sendable {
  let write: @convention(c) (UnsafeMutableRawPointer?, dog_log_level_t, UnsafePointer<CChar>?, Int) -> Void
  let user: UnsafeMutableRawPointer?

  func callAsFunction(_ level: LogLevel, _ line: String) {
    var line = line
    line.withUTF8 {
      let bytes = UnsafeRawBufferPointer($0)
      let level = dog_log_level_t(rawValue: UInt32(clamping: level.rawValue))
      write(user, level, bytes.text, bytes.count)
    }
  }
}
