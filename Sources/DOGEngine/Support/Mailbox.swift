import Synchronization

/// What other threads want of one worker: messages under a lock, swapped out whole by their reader. Any thread sends,
/// one reads.
///
/// What is sent as bytes goes into one stretch of memory. A *run* of them, with no other message in between, comes as
/// one message: so to send bytes allocates nothing and counts no reference. What waits so is limited, because it grows
/// under the lock.
final class Mailbox<Message: Sendable>: Sendable {
  /// What was taken out.
  struct Mail: ~Copyable {
    fileprivate(set) var messages: [Message] = []
    fileprivate var content = ByteStretch()
    /// Where each run begins.
    fileprivate var runs: [Int] = []
    /// The last message stands for a run.
    fileprivate var isInRun = false

    private static var messagesKept: Int { 4096 }

    /// The bytes of the run that is so many runs after the first. Good until the mail is emptied.
    func run(_ index: Int) -> UnsafeRawBufferPointer {
      let start = runs[index]
      let end = index + 1 < runs.count ? runs[index + 1] : content.count
      return UnsafeRawBufferPointer(start: content.base + start, count: end - start)
    }

    /// Its storage serves again, unless it has become large.
    mutating func removeAll() {
      messages.removeAll(keepingCapacity: messages.count < Mail.messagesKept)
      runs.removeAll(keepingCapacity: runs.count < Mail.messagesKept)
      isInRun = false
      content.removeAll()
    }
  }

  private struct State: ~Copyable {
    var mail = Mail()
    var isClosed = false
  }

  private let state = Lock(State())
  /// Bytes of the messages that wait. Changed under the lock, together with the messages: if a message could be taken
  /// before its bytes were counted, these would stay for ever. Read without the lock, by senders that can be refused.
  private let bytes = Atomic<Int>(0)

  enum Sent {
    /// The reader must be woken: this is the first message since it last took them.
    case first
    case queued
    /// The reader is gone; the message was not taken.
    case closed
    /// It was not taken: too many bytes in runs wait already.
    case runsAreFull
  }

  /// The most bytes of runs that wait.
  static var runBytesMax: Int { 256 << 10 }

  /// `bytes`: what the message counts for.
  func send(_ message: Message, bytes count: Int = 0) -> Sent {
    state.withLock { state in
      guard !state.isClosed else { return .closed }
      if count > 0 { bytes.add(count, ordering: .relaxed) }
      state.mail.isInRun = false
      state.mail.messages.append(message)
      return state.mail.messages.count == 1 ? .first : .queued
    }
  }

  /// Sends `size` bytes, which `write` writes. `message` stands for the run that they begin, if they begin one.
  @inline(__always)
  func send(
    _ size: Int, inRunOf message: @autoclosure () -> Message, bytes count: Int,
    write: (UnsafeMutableRawPointer) -> Void
  ) -> Sent {
    state.withLock { state in
      guard !state.isClosed else { return .closed }
      guard state.mail.content.count + size <= Mailbox.runBytesMax else { return .runsAreFull }
      bytes.add(count, ordering: .relaxed)
      let start = state.mail.content.count
      write(state.mail.content.extend(by: size))
      guard !state.mail.isInRun else { return .queued }
      state.mail.isInRun = true
      state.mail.runs.append(start)
      state.mail.messages.append(message())
      return state.mail.messages.count == 1 ? .first : .queued
    }
  }

  var bytesWaiting: Int { bytes.load(ordering: .relaxed) }

  /// Takes all that waits, into `mail`, which must be empty and whose storage is used for what comes next.
  func takeAll(into mail: inout Mail) {
    state.withLock { state in
      bytes.store(0, ordering: .relaxed)
      swap(&state.mail, &mail)
    }
  }

  /// Takes no more messages. Returns what still waits.
  func close() -> Mail {
    var rest = Mail()
    state.withLock { state in
      state.isClosed = true
      swap(&state.mail, &rest)
    }
    return rest
  }
}
