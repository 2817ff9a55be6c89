import CUV

/// How an outbox and a stream meet: what WebSockets and HTTP connections have in common on their way out.
extension Outbox {
  enum Progress {
    /// The kernel has everything.
    case empty
    /// A write is in flight; `streamWritten` goes on.
    case waiting
    case lost
  }

  /// How much is asked of the kernel at once.
  private static var tryBytesMax: Int { 256 << 10 }
  private static var vectorsMax: Int { 64 }

  /// Hands the kernel what it takes; of the rest a write begins. `written` counts the bytes that it took. Calls nobody.
  mutating func write(to stream: Stream, written total: inout Int) -> Progress {
    guard !stream.isWriting else { return .waiting }
    return withUnsafeTemporaryAllocation(of: Vector.self, capacity: Outbox.vectorsMax) { vectors in
      while !isEmpty {
        let next = gather(into: vectors, bytesMax: Outbox.tryBytesMax)
        let written = Outbox.withLibuv(vectors, next.vectors) { stream.tryWrite($0) }
        guard written >= 0 else { return .lost }
        total += written
        wrote(written)
        // A TLS record that the kernel did not take is the stream's, and no longer here.
        guard !stream.isWriting else { return .waiting }
        if written < next.bytes { return beginWrite(to: stream, vectors) }
      }
      return .empty
    }
  }

  /// The write in flight ended well: its bytes are gone from here. Returns how many they were.
  mutating func finishWrite() -> Int {
    let written = live?.inFlight ?? 0
    completed()
    return written
  }

  private func beginWrite(to stream: Stream, _ vectors: UnsafeMutableBufferPointer<Vector>) -> Progress {
    let next = gather(into: vectors)
    guard Outbox.withLibuv(vectors, next.vectors, { stream.write($0) }) else { return .lost }
    setInFlight(next.bytes)
    return .waiting
  }

  /// On Unix `uv_buf_t` is laid out as `struct iovec`.
  private static func withLibuv<Result>(
    _ vectors: UnsafeMutableBufferPointer<Vector>, _ count: Int,
    _ body: (UnsafeMutableBufferPointer<uv_buf_t>) -> Result
  ) -> Result {
    vectors.withMemoryRebound(to: uv_buf_t.self) { body(UnsafeMutableBufferPointer(rebasing: $0[..<count])) }
  }
}
