/// One worker's way into the queue. It collects the events of a turn and hands them over at the end of the turn, or
/// earlier if there are many. On its worker's thread.
final class EventWriter {
  let queue: EventQueue
  private let worker: Int
  /// Kept by hand: each event would count a reference.
  private var batch = Unmanaged.passRetained(EventBatch())
  /// Called when the queue is full: the worker holds back until `EventQueue.onRoom`.
  var onFull: () -> Void = {}

  init(_ queue: EventQueue, worker: Int) {
    self.queue = queue
    self.worker = worker
  }

  deinit { batch.release() }

  @inline(__always)
  func add(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer, _ object: (any AnyObject & Sendable)?) {
    let hasRoom = batch._withUnsafeGuaranteedRef { batch in
      batch.append(record, bytes, object)
      return batch.hasRoom
    }
    if !hasRoom { flush() }
  }

  func flush() {
    guard !batch._withUnsafeGuaranteedRef({ $0.isEmpty }) else { return }
    let (isFull, spare) = queue.put(batch.takeRetainedValue(), from: worker)
    batch = Unmanaged.passRetained(spare ?? EventBatch())
    if isFull { onFull() }
  }
}
