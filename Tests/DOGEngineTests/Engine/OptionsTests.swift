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

  @Test func `an engine is not made of options that are out of range`() {
    var options = Options()
    options.bodyBytesMax = -1
    #expect(throws: Status.invalid) { try Engine.make(options) }
  }
}
