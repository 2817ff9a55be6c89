extension Options {
  /// Every option that is a number or a choice, in dog.h's order. A new one is its declaration in `Options`, which has
  /// the default, and a line here. (The others are the log, and trusted_proxies, a text.)
  static let table: [OptionRow] = [
    .number("workers", \.workers, \.workers, 0...workersMax),
    .choice("log_level", \.log_level, \.logLevel),
    .number("connections_max", \.connections_max, \.connectionsMax, 1...any),
    .number("gateways_max", \.gateways_max, \.gatewaysMax, 1...Handle.slotsMax - 1),
    .number("shards_max", \.shards_max, \.shardsMax, 1...Handle.slotsMax - 1),
    .number("shards_total_max", \.shards_total_max, \.shardsTotalMax, 1...any),
    .number("uids_max", \.uids_max, \.uidsMax, 1...any),
    .number("mailbox_bytes_max", \.mailbox_bytes_max, \.mailboxBytesMax, 1024...any),
    .number("target_bytes_max", \.target_bytes_max, \.targetBytesMax, 1...bytesMax),
    .number("header_bytes_max", \.header_bytes_max, \.headerBytesMax, 64...bytesMax),
    .number("header_count_max", \.header_count_max, \.headerCountMax, 1...65_535),
    .number("body_bytes_max", \.body_bytes_max, \.bodyBytesMax, 0...bytesMax),
    .number("message_bytes_max", \.message_bytes_max, \.messageBytesMax, 1...bytesMax),
    .number("outbox_bytes_max", \.outbox_bytes_max, \.outboxBytesMax, 1024...bytesMax),
    .choice("outbox_policy", \.outbox_policy, \.outboxPolicy),
    .number("read_turn_bytes_max", \.read_turn_bytes_max, \.readTurnBytesMax, 65_536...bytesMax),
    .number("write_turn_bytes_max", \.write_turn_bytes_max, \.writeTurnBytesMax, Outbox.pieceBytesMin...bytesMax),
    .number("deflate_turn_bytes_max", \.deflate_turn_bytes_max, \.deflateTurnBytesMax, 1024...bytesMax),
    .number("gossip_bytes_max", \.gossip_bytes_max, \.gossipBytesMax, 1...bytesMax),
    .number("gossips_max", \.gossips_max, \.gossipsMax, 1...1_000_000),
    .number("timers_max", \.timers_max, \.timersMax, 1...1_000_000),
    .number("header_timeout_ms", \.header_timeout_ms, \.headerTimeoutMs, 1...dayMs),
    .number("body_timeout_ms", \.body_timeout_ms, \.bodyTimeoutMs, 1...dayMs),
    .number("body_total_timeout_ms", \.body_total_timeout_ms, \.bodyTotalTimeoutMs, 1...dayMs),
    .number("send_total_timeout_ms", \.send_total_timeout_ms, \.sendTotalTimeoutMs, 1...dayMs),
    .number("tcp_keepalive_ms", \.tcp_keepalive_ms, \.tcpKeepaliveMs, 0...dayMs),
    .number("tcp_user_timeout_ms", \.tcp_user_timeout_ms, \.tcpUserTimeoutMs, 0...dayMs),
    .number("keepalive_timeout_ms", \.keepalive_timeout_ms, \.keepaliveTimeoutMs, 1...dayMs),
    .number("identify_timeout_ms", \.identify_timeout_ms, \.identifyTimeoutMs, 1...dayMs),
    .number("receive_timeout_ms", \.receive_timeout_ms, \.receiveTimeoutMs, 1...dayMs),
    .number("start_timeout_ms", \.start_timeout_ms, \.startTimeoutMs, 1...dayMs),
    .number("ping_interval_ms", \.ping_interval_ms, \.pingIntervalMs, 0...dayMs),
    .number("ping_timeout_ms", \.ping_timeout_ms, \.pingTimeoutMs, 1...dayMs),
    .number("close_timeout_ms", \.close_timeout_ms, \.closeTimeoutMs, 1...dayMs),
    .number("connections_per_address_max", \.connections_per_address_max, \.connectionsPerAddressMax, 0...any),
    .number("frame_bytes_max", \.frame_bytes_max, \.frameBytesMax, 0...bytesMax),
    .number("unfinished_bytes_max", \.unfinished_bytes_max, \.unfinishedBytesMax, 1024...any),
    .number("message_timeout_ms", \.message_timeout_ms, \.messageTimeoutMs, 1...dayMs),
    .number("handshake_timeout_ms", \.handshake_timeout_ms, \.handshakeTimeoutMs, 1...dayMs),
    .number("idle_timeout_ms", \.idle_timeout_ms, \.idleTimeoutMs, 0...dayMs),
    .number("gossip_timeout_ms", \.gossip_timeout_ms, \.gossipTimeoutMs, 1...dayMs),
    .number("message_rate_max", \.message_rate_max, \.messageRateMax, 0...bytesMax),
    .number("message_burst_max", \.message_burst_max, \.messageBurstMax, 0...bytesMax),
    .number("byte_rate_max", \.byte_rate_max, \.byteRateMax, 0...bytesMax),
    .number("byte_burst_max", \.byte_burst_max, \.byteBurstMax, 0...bytesMax),
    .choice("rate_policy", \.rate_policy, \.ratePolicy),
    .number("admission_lag_ms", \.admission_lag_ms, \.admissionLagMs, 0...dayMs),
    .number("admission_memory_bytes", \.admission_memory_bytes, \.admissionMemoryBytes, 0...UInt64.max),
    .number("retry_after_seconds", \.retry_after_seconds, \.retryAfterSeconds, 1...86_400),
    .choice("delivery", \.delivery, \.delivery),
    .number("events_max", \.events_max, \.eventsMax, 1...1 << 24),
    .number("event_bytes_max", \.event_bytes_max, \.eventBytesMax, 1024...bytesMax),
  ]

  /// A day: no duration is longer.
  static let dayMs: UInt64 = 86_400_000
  /// The largest count of bytes an option takes: a length that no sum of a few of them overflows.
  private static let bytesMax = 1 << 30
  /// As many as dog.h's type can say.
  private static let any = Int(UInt32.max)

  /// The first member that is out of its range, by name, and what is wrong with it; nil when all are well.
  var firstFault: (name: String, fault: String)? {
    for row in Options.table {
      if let fault = row.fault(self) { return (row.name, fault) }
    }
    return nil
  }
}
