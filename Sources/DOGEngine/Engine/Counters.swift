import Synchronization

/// What one worker counts. Any thread reads it.
///
/// `@unchecked Sendable`: the values are atomic. Its worker alone writes them, so an addition is a load and a store.
final class Counters: @unchecked Sendable {
  enum Counter: Int, CaseIterable {
    // Now. A place may be counted on one worker and counted off on another, so one worker's figure can be negative; the
    // sum is exact.
    case sockets, requests, gateways, shards, places
    // Since the start.
    case connectionsTotal, requestsTotal, messagesIn, messagesOut, bytesIn, bytesOut, dropped, refused, rateLimited
  }

  private let values: UnsafeMutablePointer<Atomic<Int>>

  init() {
    values = .allocate(capacity: Counter.allCases.count)
    for index in 0..<Counter.allCases.count { (values + index).initialize(to: Atomic(0)) }
  }

  deinit { values.deallocate() }

  @inline(__always)
  func add(_ counter: Counter, _ amount: Int = 1) {
    let value = values + counter.rawValue
    value.pointee.store(value.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  func value(_ counter: Counter) -> Int { values[counter.rawValue].load(ordering: .relaxed) }
}

/// What an engine counts, over all its workers.
public struct EngineStats: Sendable {
  public var connections = 0
  public var sockets = 0
  public var requests = 0
  public var gateways = 0
  public var shards = 0
  public var places = 0
  public var connectionsTotal = 0
  public var requestsTotal = 0
  public var messagesIn = 0
  public var messagesOut = 0
  public var bytesIn = 0
  public var bytesOut = 0
  public var dropped = 0
  public var refused = 0
  public var rateLimited = 0
  /// Events that wait for dog_engine_poll.
  public var events = 0
}
