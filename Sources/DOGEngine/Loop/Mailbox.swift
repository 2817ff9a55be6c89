import Synchronization

/// What other threads want of one worker: a locked array, swapped out whole by its reader. Any thread sends, one reads.
final class Mailbox<Message: Sendable>: Sendable {
  private struct State {
    var messages: [Message] = []
    var isClosed = false
  }

  private let state = Lock(State())
  /// Bytes of payload that wait here: a limit for those who can be refused, not a count that must be exact.
  private let bytes = Atomic<Int>(0)

  enum Sent {
    /// The reader must be woken: nobody has since it last came.
    case first
    case queued
    /// The reader is gone; the message was not taken.
    case closed
  }

  func send(_ message: Message, bytes count: Int = 0) -> Sent {
    if count > 0 { bytes.add(count, ordering: .relaxed) }
    return state.withLock { state in
      guard !state.isClosed else { return .closed }
      state.messages.append(message)
      return state.messages.count == 1 ? .first : .queued
    }
  }

  var bytesWaiting: Int { bytes.load(ordering: .relaxed) }

  /// Takes all that waits, into `into`, which must be empty and whose storage is used for what comes next.
  func takeAll(into: inout [Message]) {
    bytes.store(0, ordering: .relaxed)
    state.withLock { swap(&$0.messages, &into) }
  }

  /// No more from now on. What waits still is returned, to be let go by the caller.
  func close() -> [Message] {
    state.withLock { state in
      state.isClosed = true
      defer { state.messages = [] }
      return state.messages
    }
  }
}
