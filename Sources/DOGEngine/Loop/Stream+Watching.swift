import CUV
import Glibc

// What libuv tells of a stream's socket, and what is done then: a read, the rest of a write.
extension Stream {
  /// What is on its way to the kernel, which had no room for it.
  final class Flight {
    private var buffers: [uv_buf_t]
    private var next = 0
    private(set) var bytesLeft: Int
    /// Of bytes that the flight owns; nil where they are the writer's.
    private let memory: UnsafeMutableRawPointer?

    /// The bytes stay in place.
    init(_ buffers: [uv_buf_t]) {
      self.buffers = buffers
      bytesLeft = buffers.reduce(0) { $0 + $1.len }
      memory = nil
    }

    init(copying bytes: UnsafeRawBufferPointer) {
      let copy = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
      if let source = bytes.baseAddress { copy.copyMemory(from: source, byteCount: bytes.count) }
      buffers = [uv_buf_t(base: copy.assumingMemoryBound(to: CChar.self), len: bytes.count)]
      bytesLeft = bytes.count
      memory = copy
    }

    deinit { memory?.deallocate() }

    /// Gives the kernel what it takes: as `cuv_send`.
    func go(to socket: Int32) -> Int {
      let sent = buffers.withUnsafeMutableBufferPointer { buffers in
        cuv_send_all(socket, buffers.baseAddress.map { $0 + next }, buffers.count - next)
      }
      guard sent > 0 else { return sent }
      bytesLeft -= sent
      var left = sent
      while left > 0, left >= buffers[next].len {
        left -= buffers[next].len
        next += 1
      }
      if left > 0 {
        buffers[next].base += left
        buffers[next].len -= left
      }
      return sent
    }
  }

  // MARK: Watching

  /// Has libuv wait for this, and for nothing else.
  func watch(for events: Int32) {
    guard events != watched, !isClosed else { return }
    watched = events
    guard events != 0 else {
      uv_poll_stop(poll)
      return
    }
    uv_poll_start(poll, events) { handle, status, events in
      guard let data = handle?.pointee.data else { return }
      Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.told(status, events) }
    }
  }

  func watchNoReads() { watch(for: watched & ~Int32(UV_READABLE.rawValue)) }

  /// Never inlined, so that it has `self` from its caller: only then is the loop not counted.
  @inline(never)
  private func told(_ status: Int32, _ events: Int32) {
    if status == 0, events == Int32(UV_READABLE.rawValue) { read() } else { toldMore(status, events) }
  }

  @inline(never)
  private func toldMore(_ status: Int32, _ events: Int32) {
    let isFault = status != 0
    // libuv waits for nothing any more. What the fault is, reading or writing tells, after what came before it.
    if isFault { watched = 0 }
    if isFault ? isReading && !isHeld : events & Int32(UV_READABLE.rawValue) != 0 { read() }
    guard !isClosed else { return }
    if isFault || events & Int32(UV_WRITABLE.rawValue) != 0 {
      // As with reading, it goes on being told until nothing more was to be written: most that is begins at once again.
      if isWriting { goOnWriting() } else { watch(for: watched & ~Int32(UV_WRITABLE.rawValue)) }
    }
    guard isFault, !isClosed else { return }
    let reads = isReading && !isHeld ? Int32(UV_READABLE.rawValue) : 0
    watch(for: watched | reads | (isWriting ? Int32(UV_WRITABLE.rawValue) : 0))
  }

  // MARK: Reading

  /// Once, for what is left is told again.
  @inline(__always)
  private func read() {
    guard isReading, !isHeld else { return watchNoReads() }
    let size = min(takeTurn(), loop.readBuffer.count)
    guard size > 0 else { return wait() }
    let count = recv(socket, loop.readBuffer.baseAddress, size, Int32(MSG_DONTWAIT))
    guard count > 0 else { return readNothing(count) }
    loop.spend(count &+ EventLoop.readCallBytes)
    received(UnsafeMutableRawBufferPointer(start: loop.readBuffer.baseAddress, count: count))
  }

  @inline(never)
  private func readNothing(_ count: Int) {
    let reason = errno
    if count == 0 {
      loop.spend(EventLoop.endBytes)
      // It would be told for ever.
      watchNoReads()
      ended()
    } else if reason != EAGAIN, reason != EWOULDBLOCK, reason != EINTR {
      loop.spend(EventLoop.endBytes)
      readStop()
      watchNoReads()
      owner?.streamFailed(-reason)
    }
  }

  // MARK: Writing

  /// What the kernel has not taken goes as it takes it.
  func begin(_ flight: Flight) {
    assert(!isWriting)
    self.flight = flight
    isWriting = true
    bytesGiven += flight.bytesLeft
    watch(for: watched | Int32(UV_WRITABLE.rawValue))
  }

  private func goOnWriting() {
    guard let flight else { return }
    while flight.bytesLeft > 0 {
      let sent = flight.go(to: socket)
      if sent == 0 { return }
      if sent < 0 { return landed(Int32(truncatingIfNeeded: sent)) }
    }
    landed(0)
  }

  private func landed(_ status: Int32) {
    flight = nil
    isWriting = false
    if tls != nil { return ciphertextWritten(status) }
    if status == 0 { owner?.streamWritten() } else { owner?.streamFailed(status) }
  }
}
