import CUV

/// How an outbox is written to a stream, for WebSockets and HTTP connections.
extension Outbox {
  enum Progress {
    /// The kernel has everything.
    case empty
    /// A write is in flight; `streamWritten` goes on.
    case waiting
    /// As much was written as the caller allowed; the kernel might take more.
    case paused
    case lost
  }

  /// The most that the kernel is offered at once.
  private static var tryBytesMax: Int { 256 << 10 }
  private static var vectorsMax: Int { 64 }
  /// The least that it is offered at once: so the end of a budget does not cut messages into small pieces.
  static var pieceBytesMin: Int { 16 << 10 }

  /// Writes all that is queued, where that is little and the kernel takes it; true: it did. Else `write` goes on, from
  /// the same `total`.
  @inline(__always)
  mutating func writeEarly(to stream: Stream, upTo bytesMax: Int, written total: inout Int) -> Bool {
    let early = earlyBytes
    guard let base = early.baseAddress, early.count > 0, early.count <= bytesMax, !stream.isWriting, stream.isPlain
    else { return false }
    let written = stream.tryWrite(base, early.count)
    guard written > 0 else { return false }
    total += written
    wrote(written)
    return written == early.count
  }

  /// Writes what the kernel takes, up to about `bytesMax`, and begins an asynchronous write of what it does not take.
  /// `written` counts the bytes that it took. Makes no callback.
  mutating func write(to stream: Stream, upTo bytesMax: Int, written total: inout Int) -> Progress {
    guard !stream.isWriting else { return .waiting }
    return withUnsafeTemporaryAllocation(of: Vector.self, capacity: Outbox.vectorsMax) { vectors in
      while !isEmpty {
        guard total < bytesMax else { return .paused }
        let piece = min(Outbox.tryBytesMax, max(bytesMax - total, Outbox.pieceBytesMin))
        let next = gather(into: vectors, bytesMax: piece)
        let written = Outbox.withLibuv(vectors, next.vectors) { stream.tryWrite($0) }
        guard written >= 0 else { return .lost }
        total += written
        wrote(written)
        // If the kernel did not take all of a TLS record, the stream keeps the rest.
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

  private mutating func beginWrite(to stream: Stream, _ vectors: UnsafeMutableBufferPointer<Vector>) -> Progress {
    settle()
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
