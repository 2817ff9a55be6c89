import Testing

@testable import DOGEngine

@Suite struct OptionsTests {
  @Test func `the defaults are within their ranges`() { #expect(Options().firstInvalid == nil) }

  @Test func `E2: a limit or time out of its range is named`() {
    let faults: [(String, (inout Options) -> Void)] = [
      ("workers", { $0.workers = 65 }), ("workers", { $0.workers = -1 }),
      ("connections_max", { $0.connectionsMax = 0 }), ("message_bytes_max", { $0.messageBytesMax = 0 }),
      ("outbox_bytes_max", { $0.outboxBytesMax = 1 << 40 }), ("header_timeout_ms", { $0.headerTimeoutMs = 0 }),
      ("receive_timeout_ms", { $0.receiveTimeoutMs = 86_400_001 }),
    ]
    for (name, change) in faults {
      var options = Options()
      change(&options)
      #expect(options.firstInvalid == name)
    }
  }

  struct Count: Sendable, CustomTestStringConvertible {
    let name: String
    let range: ClosedRange<Int>
    let set: @Sendable (inout Options, Int) -> Void
    var testDescription: String { name }
  }

  static let counts: [Count] = [
    Count(name: "workers", range: 0...64) { $0.workers = $1 },
    Count(name: "connections_max", range: 1...4_294_967_295) { $0.connectionsMax = $1 },
    Count(name: "gateways_max", range: 1...4_194_303) { $0.gatewaysMax = $1 },
    Count(name: "shards_max", range: 1...4_194_303) { $0.shardsMax = $1 },
    Count(name: "mailbox_bytes_max", range: 1024...4_294_967_295) { $0.mailboxBytesMax = $1 },
    Count(name: "target_bytes_max", range: 1...1_073_741_824) { $0.targetBytesMax = $1 },
    Count(name: "header_bytes_max", range: 64...1_073_741_824) { $0.headerBytesMax = $1 },
    Count(name: "header_count_max", range: 1...65_535) { $0.headerCountMax = $1 },
    Count(name: "body_bytes_max", range: 0...1_073_741_824) { $0.bodyBytesMax = $1 },
    Count(name: "message_bytes_max", range: 1...1_073_741_824) { $0.messageBytesMax = $1 },
    Count(name: "outbox_bytes_max", range: 1024...1_073_741_824) { $0.outboxBytesMax = $1 },
    Count(name: "gossip_bytes_max", range: 1...1_073_741_824) { $0.gossipBytesMax = $1 },
    Count(name: "gossips_max", range: 1...1_000_000) { $0.gossipsMax = $1 },
    Count(name: "header_timeout_ms", range: 1...86_400_000) { $0.headerTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "body_timeout_ms", range: 1...86_400_000) { $0.bodyTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "keepalive_timeout_ms", range: 1...86_400_000) { $0.keepaliveTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "identify_timeout_ms", range: 1...86_400_000) { $0.identifyTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "receive_timeout_ms", range: 1...86_400_000) { $0.receiveTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "ping_timeout_ms", range: 1...86_400_000) { $0.pingTimeoutMs = UInt64(max($1, 0)) },
    Count(name: "close_timeout_ms", range: 1...86_400_000) { $0.closeTimeoutMs = UInt64(max($1, 0)) },
  ]

  @Test(arguments: counts)
  func `each is taken up to its ends and named past them`(count: Count) {
    var options = Options()
    for value in [count.range.lowerBound, count.range.upperBound] {
      count.set(&options, value)
      #expect(options.firstInvalid == nil)
    }
    for value in [count.range.lowerBound - 1, count.range.upperBound + 1] {
      count.set(&options, value)
      #expect(options.firstInvalid == count.name)
    }
  }

  @Test func `pings may be off, and come once a day at least`() {
    var options = Options()
    options.pingIntervalMs = 0
    #expect(options.firstInvalid == nil)
    options.pingIntervalMs = 86_400_001
    #expect(options.firstInvalid == "ping_interval_ms")
  }

  @Test func `an engine is not made of options that are out of range`() {
    var options = Options()
    options.bodyBytesMax = -1
    #expect(throws: Status.invalid) { try Engine.make(options) }
  }

  @Test func `an engine with a bad option is not made, and the log says which`() {
    let lines = Watched<[String]>([])
    var options = Options()
    options.bodyBytesMax = -1
    options.log = { _, line in lines.change { $0.append(line) } }
    #expect(throws: Status.invalid) { _ = try Engine.make(options) }
    #expect(lines.now.count == 1)
    #expect(lines.now.first?.contains("body_bytes_max") == true)
  }
}
