import CUV

extension Outbox {
  var inFlightBytes: Int { live?.inFlight ?? 0 }

  /// The next bytes to write as libuv takes them, and how many they are. On Unix `uv_buf_t` is laid out as `iovec`.
  func withVectors<Result>(
    max: Int, bytesMax: Int, _ body: (UnsafeMutableBufferPointer<uv_buf_t>, Int) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: max) { vectors in
      let gathered = gather(into: vectors, bytesMax: bytesMax)
      return vectors.withMemoryRebound(to: uv_buf_t.self) {
        body(UnsafeMutableBufferPointer(rebasing: $0[..<gathered.vectors]), gathered.bytes)
      }
    }
  }
}
