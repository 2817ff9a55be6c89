import Synchronization

/// What other threads want of one worker: a locked array, swapped out whole by its reader. Any thread sends, one reads.
final class Mailbox<Message: Sendable>: Sendable {
  private struct State {
    var messages: [Message] = []
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

  /// Takes no more messages. Returns those that still wait.
  func close() -> [Message] {
    state.withLock { state in
      state.isClosed = true
      defer { state.messages = [] }
      return state.messages
    }
  }
}
