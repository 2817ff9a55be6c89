/// One worker's way into the queue: it collects a turn's events and hands them over at the end of it, or before, where
/// they are many. On its worker's thread.
final class EventWriter {
  let queue: EventQueue
  private let worker: Int
  private var batch = EventBatch()
  /// The queue is full: hold back until it says that there is room.
  var onFull: () -> Void = {}

  init(_ queue: EventQueue, worker: Int) {
    self.queue = queue
    self.worker = worker
  }

  func add(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
    batch.append(record, bytes)
    if !batch.hasRoom { flush() }
  }

  func add(_ record: EventRecord, _ bytes: [UInt8]) { bytes.withUnsafeBytes { add(record, $0) } }

  func flush() {
    guard !batch.records.isEmpty else { return }
    let (isFull, spare) = queue.put(batch, from: worker)
    batch = spare ?? EventBatch()
    if isFull { onFull() }
  }
}
