import Synchronization

/// What other threads want of one worker: a locked array, swapped out whole by its reader. Any thread sends, one reads.
final class Mailbox<Message: Sendable>: Sendable {
  private struct State {
    var messages: [Message] = []
    var isClosed = false
  }

  private let state = Lock(State())
  /// Bytes that wait here. Changed under the lock, with the messages that they are of: one that was taken before its
  /// bytes were counted would leave them behind. Read without it, by those who can be refused.
  private let bytes = Atomic<Int>(0)

  enum Sent {
    /// The reader must be woken: nobody has since it last came.
    case first
    case queued
    /// The reader is gone; the message was not taken.
    case closed
  }

  func send(_ message: Message, bytes count: Int = 0) -> Sent {
    state.withLock { state in
      guard !state.isClosed else { return .closed }
      if count > 0 { bytes.add(count, ordering: .relaxed) }
      state.messages.append(message)
      return state.messages.count == 1 ? .first : .queued
    }
  }

  var bytesWaiting: Int { bytes.load(ordering: .relaxed) }

  /// Takes all that waits, into `into`, which must be empty and whose storage is used for what comes next.
  func takeAll(into: inout [Message]) {
    state.withLock { state in
      bytes.store(0, ordering: .relaxed)
      swap(&state.messages, &into)
    }
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
