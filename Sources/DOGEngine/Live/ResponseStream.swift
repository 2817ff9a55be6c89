import Synchronization

/// A response that its host writes part by part: from `dog_request_respond_begin` to its end.
///
/// DESIGN. To begin is to answer: it claims the ticket, so that every other answer finds it stale. But the ticket stays
/// in its slot, and keeps the Shard's place, until the stream is over. Only then `conclude`, on the ticket's worker,
/// ends the ticket, once, whether the host, the client or the engine ended the stream.
///
///     any thread                    the connection's worker             the ticket's worker
///     begin, write, end  --mail-->  into the outbox, to the kernel
///                                   went out, or lost         --mail--> conclude: place, onend
///
/// Bytes are counted from the host's write until the kernel takes them: in the mail as well as in the connection's
/// outbox. A write that finds no room sets `wantsRoom` and then looks again; the connection's worker first makes room
/// and then reads `wantsRoom`. Both are sequentially consistent, so one of the two sees the other.
///
/// `@unchecked Sendable`: what is not immutable is atomic, or is used on one worker alone, as is written there.
final class ResponseStream: @unchecked Sendable {
  /// What the host wants to hear, on the ticket's worker.
  struct Listener: Sendable {
    var onwritable: (@Sendable (RequestHandle) -> Void)?
    var onend: (@Sendable (RequestHandle, Status) -> Void)?
  }

  let ticket: Ticket
  let framing: StreamFraming
  private let home: Worker
  private let listener: Listener
  private let bytesMax: Int
  /// False if the status has no content: writing some is a mistake of the host's.
  private let hasContent: Bool

  /// True until the host ends it or the connection is lost.
  private let open = Atomic<Bool>(true)
  /// Bytes that the host has written and the kernel has not taken.
  private let waiting = Atomic<Int>(0)
  private let wantsRoom = Atomic<Bool>(false)
  /// Letters on their way to the connection. While there are any, nothing may overtake them.
  private let letters = Atomic<Int>(0)

  // The connection's worker's.
  /// The host has ended it: only what waits is still to be written.
  private(set) var isEnding = false
  /// Another request may follow.
  var keepsAlive = false
  /// How much of `waiting` is in the connection's outbox.
  private var counted = 0

  /// The home worker's.
  private var isConcluded = false

  init(_ ticket: Ticket, home: Worker, status: Int, listener: Listener) {
    let request = ticket.exchange.request
    self.ticket = ticket
    self.home = home
    self.listener = listener
    framing = StreamFraming(status: status, isHEAD: request.isHEAD, isHTTP11: request.isHTTP11)
    hasContent = HTTPStatus.hasContent(status)
    bytesMax = home.engine.options.outboxBytesMax
  }

  private var exchange: Exchange { ticket.exchange }

  var isOpen: Bool { open.load(ordering: .acquiring) }

  // MARK: The host's side, any thread

  func begin(status: Int, lines: [UInt8]) {
    _ = carry(bytes: 0) { $0.exchange.connection.begin($0, status: status, lines: lines) }
  }

  /// Queues all of it or nothing.
  func write(_ content: UnsafeRawBufferPointer) -> Status {
    guard isOpen else { return .stale }
    guard !content.isEmpty else { return .ok }
    guard hasContent else { return .invalid }
    guard framing != .headOnly else { return .ok }
    guard content.count <= bytesMax else { return .tooBig }
    if mayActHere {
      let bytes = content.count + StreamFraming.overheadMax
      guard reserve(bytes) else { return .full }
      exchange.connection.write(content, of: self, reserved: bytes)
      return .ok
    }
    let bytes = content.count + Worker.letterBytes
    guard reserve(bytes) else { return .full }
    let copy = [UInt8](content)
    let isSent = carry(bytes: bytes) { stream in
      copy.withUnsafeBytes { stream.exchange.connection.write($0, of: stream, reserved: bytes) }
    }
    return isSent ? .ok : .stale
  }

  func end() -> Status {
    guard open.exchange(false, ordering: .acquiringAndReleasing) else { return .stale }
    return carry(bytes: 0) { $0.exchange.connection.endStream($0) } ? .ok : .stale
  }

  /// The connection is reset.
  func abort() -> Status {
    guard open.exchange(false, ordering: .acquiringAndReleasing) else { return .stale }
    return carry(bytes: 0) { $0.exchange.connection.abortStream($0) } ? .ok : .stale
  }

  private var mayActHere: Bool { exchange.origin.isHere && letters.load(ordering: .acquiring) == 0 }

  /// Acts on the connection's worker, in the order of the calls. False when that worker has ended.
  private func carry(bytes: Int, _ act: @escaping @Sendable (ResponseStream) -> Void) -> Bool {
    guard !mayActHere else {
      act(self)
      return true
    }
    letters.add(1, ordering: .acquiringAndReleasing)
    let letter = Worker.Letter.run { _ in
      self.letters.subtract(1, ordering: .acquiringAndReleasing)
      act(self)
    }
    return exchange.origin.send(letter, bytes: bytes)
  }

  /// Adds `bytes` to what waits, unless that would be too much. One part alone always fits.
  private func reserve(_ bytes: Int) -> Bool {
    if tryReserve(bytes) { return true }
    wantsRoom.store(true, ordering: .sequentiallyConsistent)
    return tryReserve(bytes)
  }

  private func tryReserve(_ bytes: Int) -> Bool {
    var seen = waiting.load(ordering: .sequentiallyConsistent)
    while seen <= 0 || seen + bytes <= bytesMax {
      let (exchanged, original) = waiting.compareExchange(
        expected: seen, desired: seen + bytes, ordering: .sequentiallyConsistent)
      if exchanged { return true }
      seen = original
    }
    return false
  }

  // MARK: The connection's side, on its worker

  /// The outbox has `outboxBytes` now; `arrived` bytes have come from the mail since the last call.
  func settle(outboxBytes: Int, arrived: Int = 0) {
    exchange.origin.assertHere()
    let change = outboxBytes - counted - arrived
    counted = outboxBytes
    guard change != 0 || arrived != 0 else { return }
    let left = waiting.add(change, ordering: .sequentiallyConsistent).newValue
    guard left <= bytesMax / 2, wantsRoom.load(ordering: .sequentiallyConsistent),
      wantsRoom.exchange(false, ordering: .sequentiallyConsistent)
    else { return }
    onHome { $0.hasRoom() }
  }

  func markEnding() { isEnding = true }

  /// Its last byte has gone to the kernel.
  func wentOut() { onHome { $0.conclude(.ok) } }

  /// The rest of it will not reach the client.
  func lost(_ status: Status) {
    open.store(false, ordering: .releasing)
    onHome { $0.conclude(status) }
  }

  private func onHome(_ act: @escaping @Sendable (ResponseStream) -> Void) {
    if home.isHere { act(self) } else { home.post { _ in act(self) } }
  }

  // MARK: The ticket's side, on its worker

  private func hasRoom() {
    guard !isConcluded, let onwritable = listener.onwritable else { return }
    home.callOut { [self] in if isOpen { onwritable(RequestHandle(ticket.handle)) } }
  }

  /// The one end.
  func conclude(_ status: Status) {
    home.assertHere()
    guard !isConcluded else { return }
    isConcluded = true
    open.store(false, ordering: .releasing)
    home.tables.streams.remove(ticket.handle)
    _ = ticket.endResponded(on: home)
    guard let onend = listener.onend else { return }
    home.callOut { [handle = ticket.handle] in onend(RequestHandle(handle), status) }
  }
}
