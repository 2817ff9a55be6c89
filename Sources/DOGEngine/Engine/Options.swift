/// What a socket's outbox that is at its limit does with one more message (rule S8).
public enum OutboxPolicy: Int32, Sendable {
  case close = 1
  case dropNewest = 2
  case dropOldest = 3
}

/// What happens to a message of a socket that went over its rate.
public enum RatePolicy: Int32, Sendable {
  case close = 1
  case drop = 2
}

/// Whether the host is called or takes events.
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
  public var shardsTotalMax = 1_000_000
  public var uidsMax = 1_000_000
  public var mailboxBytesMax = 64 << 20

  public var targetBytesMax = 8192
  public var headerBytesMax = 16384
  public var headerCountMax = 100
  public var bodyBytesMax = 1 << 20
  public var messageBytesMax = 1 << 20
  public var outboxBytesMax = 4 << 20
  public var outboxPolicy = OutboxPolicy.close
  public var readTurnBytesMax = 4 << 20
  public var writeTurnBytesMax = 4 << 20
  public var deflateTurnBytesMax = 1 << 20
  public var gossipBytesMax = 1 << 20
  public var gossipsMax = 1024
  public var timersMax = 1024

  public var headerTimeoutMs: UInt64 = 10_000
  public var bodyTimeoutMs: UInt64 = 30_000
  public var bodyTotalTimeoutMs: UInt64 = 300_000
  public var sendTotalTimeoutMs: UInt64 = 600_000
  public var tcpKeepaliveMs: UInt64 = 30_000
  public var tcpUserTimeoutMs: UInt64 = 60_000
  public var keepaliveTimeoutMs: UInt64 = 75_000
  public var identifyTimeoutMs: UInt64 = 10_000
  public var receiveTimeoutMs: UInt64 = 30_000
  public var startTimeoutMs: UInt64 = 30_000
  public var pingIntervalMs: UInt64 = 30_000
  public var pingTimeoutMs: UInt64 = 20_000
  public var closeTimeoutMs: UInt64 = 5_000

  public var connectionsPerAddressMax = 0
  public var trustedProxies = ""
  public var frameBytesMax = 0
  public var unfinishedBytesMax = 64 << 20
  public var messageTimeoutMs: UInt64 = 60_000
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

  // For hosts in C: a host in Swift is called through its protocols.
  var delivery = Delivery.callbacks
  var eventsMax = 65_536
  var eventBytesMax = 16 << 20

  public init() {}

  var peerChecks: PeerChecks { PeerChecks(keepaliveMs: tcpKeepaliveMs, userTimeoutMs: tcpUserTimeoutMs) }

  /// How long a client may take for a response.
  var sendLimits: SendProgress.Limits {
    SendProgress.Limits(timeoutMs: bodyTimeoutMs, totalMs: sendTotalTimeoutMs)
  }

  /// The same for a connection that we close.
  var closeLimits: SendProgress.Limits {
    SendProgress.Limits(timeoutMs: closeTimeoutMs, totalMs: sendTotalTimeoutMs)
  }
}
