import Glibc

@testable import DOGEngine

/// Takes events out of a queue as a host would, and says whether its descriptor asks for it.
struct QueueReader {
  let queue: EventQueue

  func take(_ capacity: Int = .max, timeoutMs: Int32 = 0) throws -> [(record: EventRecord, bytes: [UInt8])] {
    var taken: [(EventRecord, [UInt8])] = []
    let count = try queue.poll(capacity: capacity, timeoutMs: timeoutMs, letGo: {}) { record, batch in
      guard record.kind != .forget else { return false }
      taken.append((record, [UInt8](batch.bytes(of: record))))
      return true
    }
    guard count == taken.count else { throw Miscount(said: count, given: taken.count) }
    return taken
  }

  struct Miscount: Error {
    let said: Int
    let given: Int
  }

  var isReadable: Bool {
    var waited = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waited, 1, 0) == 1
  }
}

extension EventRecord {
  static func numbered(_ number: Int, _ kind: Kind = .message) -> EventRecord {
    var record = EventRecord(kind)
    record.number = UInt64(number)
    return record
  }
}

extension EventQueue {
  /// One record alone, as a worker hands it over.
  @discardableResult
  func put(_ record: EventRecord, _ bytes: [UInt8] = [], from worker: Int) -> Bool {
    let batch = EventBatch()
    bytes.withUnsafeBytes { batch.append(record, $0) }
    return put(batch, from: worker).isFull
  }
}
