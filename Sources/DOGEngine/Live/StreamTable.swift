/// The streamed responses of one worker's requests, by handle. Any thread: a thread that writes to a stream finds it
/// here.
final class StreamTable: Sendable {
  private struct Content {
    var streams: [Handle: ResponseStream] = [:]
    var isClosed = false
  }

  private let content = Lock(Content())

  /// False when the engine ends.
  func add(_ stream: ResponseStream) -> Bool {
    content.withLock { content in
      guard !content.isClosed else { return false }
      content.streams[stream.ticket.handle] = stream
      return true
    }
  }

  func find(_ handle: Handle) -> ResponseStream? { content.withLock { $0.streams[handle] } }

  func remove(_ handle: Handle) {
    // The stream may hold the last reference to much else: it is freed after the lock.
    _ = content.withLock { $0.streams.removeValue(forKey: handle) }
  }

  /// Takes no more. Returns what there was.
  func close() -> [ResponseStream] {
    content.withLock { content in
      content.isClosed = true
      defer { content.streams = [:] }
      return [ResponseStream](content.streams.values)
    }
  }
}
