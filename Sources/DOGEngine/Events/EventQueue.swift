import Synchronization

/// What waits for a host that fetches its events: many workers put batches in, one thread at a time takes them out.
///
/// DESIGN. A batch is all that one worker had to tell in one turn of its loop. So the lock is taken once a turn and
/// once or twice a poll, not for each event, and the events of a worker keep their order. The descriptor is readable
/// while something waits that the host gets to see, or while records that it does not see hold too much memory. A batch
/// raises the flag, and it is lowered when the last event is taken, both under the lock.
///
/// The limits hold messages back, not events. A worker whose batch finds the queue full stops reading from its
/// connections, and is told by `onRoom` when half of the queue is free. Both happen under the lock, so no worker is
/// missed.
///
/// `@unchecked Sendable`: `state` is under its lock; `taken`, `position` and `spent` belong to the one thread that won
/// `isPolled`.
final class EventQueue: @unchecked Sendable {
  private struct State {
    var batches: [EventBatch] = []
    var spares: [EventBatch] = []
    /// Records that were put in and not taken out, and their weight.
    var count = 0
    var bytes = 0
    /// Of the records in `batches`, how many the host does not see, and the bytes that are freed with them.
    var untold = 0
    var forgettable = 0
    /// True exactly while the flag is up.
    var isReady = false
    /// Workers that hold back, by their bits.
    var holding: UInt64 = 0
    /// The last event is in.
    var isOver = false
    var isClosed = false
  }

  private static let sparesMax = 16
  /// A small batch is merged into the last one, if that is not taken yet: so a host that is behind has few large
  /// batches to catch up with.
  private static let smallRecordsMax = 64
  private static let smallBytesMax = 4096
  /// Records that the host does not see do not raise the flag, unless so many of them wait, or the queue is full with
  /// them.
  private static let untoldMax = 64
  private static let forgettableMax = 1 << 20

  /// Up as long as an event waits.
  private let ready: ReadyFlag
  /// Called on the thread that polls, with the index of a worker that may read again.
  var onRoom: (Int) -> Void = { _ in }

  private let countMax: Int
  private let bytesMax: Int
  private let state = Lock(State())
  /// For statistics.
  private let waiting = Atomic<Int>(0)

  private let isPolled = Atomic<Bool>(false)
  /// What was taken out under the lock and is handed out: from `position` in the batch at `first` on.
  private var taken: [EventBatch] = []
  private var first = 0
  private var position = 0
  /// Batches whose bytes the host may still look at: until it polls again.
  private var spent: [EventBatch] = []
  private var isOver = false

  init(countMax: Int, bytesMax: Int) throws(Status) {
    self.countMax = countMax
    self.bytesMax = bytesMax
    ready = try ReadyFlag()
  }

  /// Readable as long as an event waits.
  var descriptor: Int32 { ready.descriptor }

  var count: Int { waiting.load(ordering: .relaxed) }

  // MARK: Putting in, any thread

  /// Takes a batch over. `isFull`: its worker is to hold back until it is told; `spare` is one to go on with.
  func put(_ batch: EventBatch, from worker: Int?) -> (isFull: Bool, spare: EventBatch?) {
    state.withLock { state in
      guard !state.isClosed else { return (false, nil) }
      let isEmptied = add(batch, &state)
      if isFull(state), let worker { state.holding |= 1 << UInt64(worker) }
      return (isFull(state), isEmptied ? batch : state.spares.popLast())
    }
  }

  /// One record that belongs to no worker; false: there was no room for it, or the last event is in.
  @discardableResult
  func put(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer, evenIfFull: Bool) -> Bool {
    let batch = EventBatch()
    batch.append(record, bytes)
    return state.withLock { state in
      guard !state.isClosed, !state.isOver, evenIfFull || !isFull(state) else { return false }
      state.isOver = record.kind == .stopped
      _ = add(batch, &state)
      return true
    }
  }

  /// True: its records are in another batch now, and it is the caller's again.
  private func add(_ batch: EventBatch, _ state: inout State) -> Bool {
    state.count += batch.count
    state.bytes += batch.weight
    state.untold += batch.count - batch.told
    state.forgettable += batch.forgettable
    waiting.add(batch.told, ordering: .relaxed)
    if batch.told > 0 || state.untold > EventQueue.untoldMax || state.forgettable > EventQueue.forgettableMax
      || isFull(state)
    {
      makeReady(&state)
    }
    if let last = state.batches.last, batch.count <= EventQueue.smallRecordsMax,
      batch.byteCount <= EventQueue.smallBytesMax, last.hasRoom
    {
      for index in 0..<batch.count {
        let record = batch.records[index]
        last.append(record, batch.bytes(of: record), batch.object(of: record))
      }
      batch.removeAll()
      return true
    }
    state.batches.append(batch)
    return false
  }

  private func isFull(_ state: borrowing State) -> Bool { state.count >= countMax || state.bytes >= bytesMax }

  private func makeReady(_ state: inout State) {
    guard !state.isReady else { return }
    state.isReady = true
    ready.raise()
  }

  /// Nothing more is taken or given: a thread that waits in a poll returns.
  func close() {
    state.withLock { state in
      state.isClosed = true
      makeReady(&state)
    }
  }

  // MARK: Taking out, one thread at a time

  /// Gives out what waits, up to `capacity` records for which `deliver` says that the host gets to see them. Waits up
  /// to `timeoutMs` for the first (negative: as long as it takes). `letGo` is called first: what the last poll gave out
  /// is freed.
  @inline(__always)
  func poll(
    capacity: Int, timeoutMs: Int32, letGo: () -> Void,
    deliver: (EventRecord, EventBatch) -> Bool
  ) throws(Status) -> Int {
    guard !isPolled.exchange(true, ordering: .acquiring) else { throw .wrongState }
    defer { isPolled.store(false, ordering: .releasing) }
    letGo()
    for batch in spent { batch.removeAll() }
    guard !isOver else { throw .wrongState }
    if try !take(), timeoutMs != 0 {
      ready.wait(timeoutMs: timeoutMs)
      _ = try take()
    }
    var given = 0
    var passed = (count: 0, told: 0, bytes: 0)
    while given < capacity, !isOver, first < taken.count {
      let batch = taken[first]
      while given < capacity, !isOver, position < batch.count {
        let record = batch.records[position]
        position += 1
        passed.count += 1
        passed.told += record.isTold ? 1 : 0
        passed.bytes += record.weight
        if deliver(record, batch) { given += 1 }
        if record.kind == .stopped { isOver = true }
      }
      guard position == batch.count else { break }
      spent.append(batch)
      first += 1
      position = 0
    }
    settle(passed)
    return given
  }

  /// Takes over what waits. False: there is nothing.
  private func take() throws(Status) -> Bool {
    let (isClosed, batches) = state.withLock { state in
      while let batch = spent.popLast() {
        if batch.isSpareable, state.spares.count < EventQueue.sparesMax { state.spares.append(batch) }
      }
      defer { state.batches = [] }
      state.untold = 0
      state.forgettable = 0
      return (state.isClosed, state.batches)
    }
    guard !isClosed else { throw .stale }
    // Moving down what is left costs no more than what was given out.
    if first > taken.count / 2 {
      taken.removeFirst(first)
      first = 0
    }
    taken.append(contentsOf: batches)
    return first < taken.count
  }

  /// Counts off what was given out, and tells workers that held back and may go on.
  private func settle(_ passed: (count: Int, told: Int, bytes: Int)) {
    waiting.subtract(passed.told, ordering: .relaxed)
    let goOn = state.withLock { state -> UInt64 in
      state.count -= passed.count
      state.bytes -= passed.bytes
      if first == taken.count, state.batches.isEmpty, state.isReady, !state.isClosed {
        state.isReady = false
        ready.lower()
      }
      guard state.count <= countMax / 2, state.bytes <= bytesMax / 2 else { return 0 }
      defer { state.holding = 0 }
      return state.holding
    }
    var left = goOn
    while left != 0 {
      onRoom(left.trailingZeroBitCount)
      left &= left - 1
    }
  }
}
