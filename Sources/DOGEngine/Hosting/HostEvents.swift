/// An engine whose host takes events: what waits for it, and what it may look at meanwhile. Any thread.
///
/// On the workers `EventGateway` and `EventShard` replace the Gateways and Shards of a host that is called.
final class HostEvents: Sendable {
  let queue: EventQueue
  let view = HostView()

  init(_ queue: EventQueue) { self.queue = queue }

  /// A line of the log, if the host has no function for it. It is left out if the queue is full.
  @Sendable
  func log(_ level: LogLevel, _ line: String) {
    var record = EventRecord(.log)
    record.code = UInt32(clamping: level.rawValue)
    line.withBytes { _ = queue.put(record, $0, evenIfFull: false) }
  }

  func tellStopped() {
    queue.put(EventRecord(.stopped), UnsafeRawBufferPointer(start: nil, count: 0), evenIfFull: true)
  }
}

/// A pointer of the host's: passed on, and never dereferenced.
struct HostPointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer?

  init(_ pointer: UnsafeMutableRawPointer?) { self.pointer = pointer }
}
