/// What a socket's outbox at its limit does with one more message (rule S8).
public enum OutboxPolicy: Int32, Sendable {
  case close = 1
  case dropNewest = 2
  case dropOldest = 3
}

/// What becomes of a message of a socket that went over its rate.
public enum RatePolicy: Int32, Sendable {
  case close = 1
  case drop = 2
}

/// How the host is called.
enum Delivery: Int32, Sendable {
  case callbacks = 1
  case events = 2
}

/// The settings of one engine; dog.h tells each member's meaning, range and unit.
public struct Options: Sendable {
  public static let workersMax = 64

  public var workers = 0
  public var logLevel = LogLevel.warn
  public var log: (@Sendable (LogLevel, String) -> Void)?

  public var connectionsMax = 1_000_000
  public var gatewaysMax = 100_000
  public var shardsMax = 100_000
  public var mailboxBytesMax = 64 << 20

  public var targetBytesMax = 8192
  public var headerBytesMax = 16384
  public var headerCountMax = 100
  public var bodyBytesMax = 1 << 20
  public var messageBytesMax = 1 << 20
  public var outboxBytesMax = 4 << 20
  public var outboxPolicy = OutboxPolicy.close
  public var gossipBytesMax = 1 << 20
  public var gossipsMax = 1024

  public var headerTimeoutMs: UInt64 = 10_000
  public var bodyTimeoutMs: UInt64 = 30_000
  public var keepaliveTimeoutMs: UInt64 = 60_000
  public var identifyTimeoutMs: UInt64 = 10_000
  public var receiveTimeoutMs: UInt64 = 30_000
  public var pingIntervalMs: UInt64 = 30_000
  public var pingTimeoutMs: UInt64 = 20_000
  public var closeTimeoutMs: UInt64 = 5_000

  public var connectionsPerAddressMax = 0
  public var trustedProxies = ""
  public var frameBytesMax = 0
  public var handshakeTimeoutMs: UInt64 = 10_000
  public var idleTimeoutMs: UInt64 = 0
  public var gossipTimeoutMs: UInt64 = 5_000
  public var messageRateMax = 0
  public var messageBurstMax = 0
  public var byteRateMax = 0
  public var byteBurstMax = 0
  public var ratePolicy = RatePolicy.close
  public var admissionLagMs: UInt64 = 0
  public var admissionMemoryBytes: UInt64 = 0
  public var retryAfterSeconds = 1

  // For hosts in C: one in Swift is called by its protocols.
  var delivery = Delivery.callbacks
  var eventsMax = 65_536
  var eventBytesMax = 16 << 20

  public init() {}

  static let dayMs: UInt64 = 86_400_000
  /// The largest count of bytes an option takes: a length that no sum of a few of them overflows.
  static let bytesMax = 1 << 30

  /// The first member that is out of its range, by name; nil when all are well.
  var firstInvalid: String? {
    let counts: [(String, Int, ClosedRange<Int>)] = [
      ("workers", workers, 0...Options.workersMax),
      ("connections_max", connectionsMax, 1...Int(UInt32.max)),
      ("gateways_max", gatewaysMax, 1...Handle.slotsMax - 1),
      ("shards_max", shardsMax, 1...Handle.slotsMax - 1),
      ("mailbox_bytes_max", mailboxBytesMax, 1024...Int(UInt32.max)),
      ("target_bytes_max", targetBytesMax, 1...Options.bytesMax),
      ("header_bytes_max", headerBytesMax, 64...Options.bytesMax),
      ("header_count_max", headerCountMax, 1...65_535),
      ("body_bytes_max", bodyBytesMax, 0...Options.bytesMax),
      ("message_bytes_max", messageBytesMax, 1...Options.bytesMax),
      ("outbox_bytes_max", outboxBytesMax, 1024...Options.bytesMax),
      ("gossip_bytes_max", gossipBytesMax, 1...Options.bytesMax),
      ("gossips_max", gossipsMax, 1...1_000_000),
      ("connections_per_address_max", connectionsPerAddressMax, 0...Int(UInt32.max)),
      ("frame_bytes_max", frameBytesMax, 0...Options.bytesMax),
      ("message_rate_max", messageRateMax, 0...Options.bytesMax),
      ("message_burst_max", messageBurstMax, 0...Options.bytesMax),
      ("byte_rate_max", byteRateMax, 0...Options.bytesMax),
      ("byte_burst_max", byteBurstMax, 0...Options.bytesMax),
      ("retry_after_seconds", retryAfterSeconds, 1...86_400),
      ("events_max", eventsMax, 1...1 << 24),
      ("event_bytes_max", eventBytesMax, 1024...Options.bytesMax),
    ]
    for (name, value, range) in counts where !range.contains(value) { return name }
    let times: [(String, UInt64, ClosedRange<UInt64>)] = [
      ("header_timeout_ms", headerTimeoutMs, 1...Options.dayMs),
      ("body_timeout_ms", bodyTimeoutMs, 1...Options.dayMs),
      ("keepalive_timeout_ms", keepaliveTimeoutMs, 1...Options.dayMs),
      ("identify_timeout_ms", identifyTimeoutMs, 1...Options.dayMs),
      ("receive_timeout_ms", receiveTimeoutMs, 1...Options.dayMs),
      ("ping_interval_ms", pingIntervalMs, 0...Options.dayMs),
      ("ping_timeout_ms", pingTimeoutMs, 1...Options.dayMs),
      ("close_timeout_ms", closeTimeoutMs, 1...Options.dayMs),
      ("handshake_timeout_ms", handshakeTimeoutMs, 1...Options.dayMs),
      ("idle_timeout_ms", idleTimeoutMs, 0...Options.dayMs),
      ("gossip_timeout_ms", gossipTimeoutMs, 1...Options.dayMs),
      ("admission_lag_ms", admissionLagMs, 0...Options.dayMs),
    ]
    for (name, value, range) in times where !range.contains(value) { return name }
    return nil
  }
}
