/// One worker's way into the queue. It collects the events of a turn and hands them over at the end of the turn, or
/// earlier if there are many. On its worker's thread.
final class EventWriter {
  let queue: EventQueue
  private let worker: Int
  private var batch = EventBatch()
  /// Called when the queue is full: the worker holds back until `EventQueue.onRoom`.
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
