/// What one turn of a worker's loop writes. Messages collect in outboxes and batches; at the end of the turn each
/// socket and connection with something to send is written once. Lives on its worker's thread.
///
/// The writing of a turn is limited (`write_turn_bytes_max`), in its middle and again at its end. So a client that
/// makes the worker write in mid-turn takes nothing from the end. What is left is written in the next turns, round
/// robin and piece by piece, before what these queue.
final class Turn {
  private static let roundsMax = 8
  /// What a write counts for beside its bytes, about: a limit on bytes alone would not limit many small writes.
  private static var callBytes: Int { 512 }

  /// Parts of clusters with something to send.
  var slices: [ClusterSlice] = []
  /// Sockets with something of their own to send. By handle, so that queueing counts no reference: a socket that has
  /// ended meanwhile is not found. By pointer, as `left`.
  let sockets: UnsafeMutablePointer<TurnQueue<Handle>>
  /// Connections with something to send, in the same way.
  var connections = TurnQueue<Handle>()
  /// Sockets to close when the flush that runs is over.
  var doomed: [WebSocket] = []

  private let loop: EventLoop
  private let counters: Counters
  private let finder: SlotMap<WebSocket>.Finder
  private let connectionFinder: SlotMap<HTTPConnection>.Finder
  private let bytesMax: Int
  /// By pointer: changing a stored property costs two reference counts, for each receiver of each turn.
  private let left: UnsafeMutablePointer<Int>
  /// True from a turn that did not get to all that was queued until the next one begins to write.
  private var isBehind = false
  /// Which of the two queues is written first if there is too little budget for both: they alternate.
  private var connectionsGoFirst = false

  /// `tables`: the worker's, which are there as long as this is.
  init(bytesMax: Int, loop: EventLoop, counters: Counters, tables: Tables) {
    self.bytesMax = bytesMax
    pieceBytesMax = max(bytesMax / Turn.roundsMax, Outbox.pieceBytesMin)
    finder = tables.sockets.finder
    connectionFinder = tables.connections.finder
    sockets = .allocate(capacity: 1)
    sockets.initialize(to: TurnQueue())
    self.loop = loop
    self.counters = counters
    left = .allocate(capacity: 1)
    left.initialize(to: bytesMax)
  }

  deinit {
    left.deallocate()
    sockets.deinitialize(count: 1)
    sockets.deallocate()
  }

  /// What may still be written; at 0 or below the rest waits. A single write may go past it by `Outbox.pieceBytesMin`.
  /// A write without which a peer would be called slow may go past it by any amount.
  @inline(__always)
  var bytesLeft: Int { left.pointee }

  /// What one queued socket or connection writes before the others have their turn.
  let pieceBytesMax: Int

  /// Counts one write; a write of 0 bytes does not count.
  @inline(__always)
  func wrote(_ bytes: Int) {
    guard bytes > 0 else { return }
    counters.add(.bytesOut, bytes)
    left.pointee &-= bytes &+ Turn.callBytes
  }

  /// Writes what is queued, as long as the turn may write. Batches go into the outboxes whole in any case, which
  /// settles the order.
  func end() {
    left.pointee = bytesMax
    if isBehind {
      connectionsGoFirst.toggle()
      writeQueued()
    }
    // A failed write closes a socket, and an onclose or ondrain may send more. What is left after a few rounds waits
    // for the next turn, so that a host that always sends more does not keep this worker from everybody else.
    var rounds = 0
    while !slices.isEmpty || bytesLeft > 0 && hasQueued, rounds < Turn.roundsMax {
      rounds += 1
      if !slices.isEmpty { flushSlices() }
      writeQueued()
    }
    left.pointee = bytesMax
    isBehind = hasQueued || !slices.isEmpty
    if isBehind { loop.wake() }
  }

  private func flushSlices() {
    var dirty: [ClusterSlice] = []
    swap(&dirty, &slices)
    for slice in dirty { slice.flush() }
    // The array's storage serves the next turn.
    if slices.isEmpty {
      dirty.removeAll(keepingCapacity: true)
      swap(&dirty, &slices)
    }
  }

  /// Closes the sockets that a flush found lost or too slow.
  func closeDoomed() {
    while let socket = doomed.popLast() { socket.closeDoomed() }
  }

  private var hasQueued: Bool { !sockets.pointee.isEmpty || !connections.isEmpty }

  /// Writes those that are queued now, not those that are queued meanwhile.
  private func writeQueued() {
    if connectionsGoFirst { writeConnections() }
    var count = sockets.pointee.count
    while count > 0, bytesLeft > 0, let socket = sockets.pointee.popFirst() {
      count -= 1
      // It stays until this is over, even if it ends in here (`Worker.keep`).
      finder.find(socket)?._withUnsafeGuaranteedRef { $0.flush() }
    }
    if !connectionsGoFirst { writeConnections() }
  }

  private func writeConnections() {
    var count = connections.count
    while count > 0, bytesLeft > 0, let connection = connections.popFirst() {
      count -= 1
      connectionFinder.find(connection)?._withUnsafeGuaranteedRef { $0.flush() }
    }
  }
}
