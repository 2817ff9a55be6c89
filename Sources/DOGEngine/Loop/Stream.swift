import CUV
import Glibc

/// Who reads from a stream and writes to it. Called on the loop's thread.
protocol StreamOwner: AnyObject {
  /// Bytes came. The buffer is the loop's: it may be changed in place and is gone when this returns.
  func streamRead(_ bytes: UnsafeMutableRawBufferPointer)
  /// The peer has sent its last byte.
  func streamEnded()
  /// The connection is lost (a negative libuv code); nothing more comes, the owner closes the stream.
  func streamFailed(_ code: Int32)
  /// What `write` was given has gone to the kernel.
  func streamWritten()
}

/// A TCP connection on one loop. Close is asynchronous with one road out: `close` (or `reset`), then libuv's close
/// callback lets the stream go. Its owner is not told.
final class Stream {
  private let tcp: UnsafeMutablePointer<uv_tcp_t>
  private let loop: EventLoop
  /// Gets the events; nil after `close`. Unowned: whoever owns the stream sets itself here, and closes it before it
  /// goes.
  unowned(unsafe) var owner: (any StreamOwner)?
  /// True from `write` until its callback.
  private(set) var isWriting = false
  private(set) var isClosed = false
  private var isReading = false

  private init(loop: EventLoop) throws(Status) {
    self.loop = loop
    tcp = .allocate(capacity: 1)
    guard uv_tcp_init(loop.uv, tcp) == 0 else {
      tcp.deallocate()
      throw .system
    }
    // Balanced in the close callback: libuv holds the handle, so the stream, until then.
    tcp.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  deinit { tcp.deallocate() }

  /// Continues a connection that another loop gave up.
  static func adopt(_ connection: DetachedConnection, on loop: EventLoop) throws(Status) -> Stream {
    let stream = try Stream(loop: loop)
    guard uv_tcp_open(stream.tcp, connection.descriptor) == 0 else {
      stream.close()
      throw .system
    }
    connection.wasAdopted()
    uv_tcp_nodelay(stream.tcp, 1)
    return stream
  }

  /// Gives the connection up to another loop; this stream closes. Nothing may be waiting to be written.
  func detach() throws(Status) -> DetachedConnection {
    var descriptor: uv_os_fd_t = -1
    guard uv_fileno(cuv_handle(tcp), &descriptor) == 0 else { throw .system }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system }
    close()
    return DetachedConnection(descriptor: copy)
  }

  func readStart() {
    guard !isReading, !isClosed else { return }
    isReading = true
    uv_read_start(
      cuv_stream(tcp),
      { handle, _, buffer in
        guard let buffer, let loop = handle?.pointee.loop.pointee.data else { return }
        Unmanaged<EventLoop>.fromOpaque(loop)._withUnsafeGuaranteedRef {
          buffer.pointee = uv_buf_t(
            base: $0.readBuffer.baseAddress?.assumingMemoryBound(to: CChar.self), len: $0.readBuffer.count)
        }
      },
      { handle, count, buffer in
        guard count != 0, let data = handle?.pointee.data else { return }
        Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { stream in
          guard let owner = stream.owner else { return }
          if count > 0, let base = buffer?.pointee.base {
            owner.streamRead(UnsafeMutableRawBufferPointer(start: base, count: count))
          } else if count == Int(UV_EOF.rawValue) {
            stream.readStop()
            owner.streamEnded()
          } else if count < 0 {
            stream.readStop()
            owner.streamFailed(Int32(truncatingIfNeeded: count))
          }
        }
      })
  }

  func readStop() {
    guard isReading, !isClosed else { return }
    isReading = false
    uv_read_stop(cuv_stream(tcp))
  }

  /// Writes what the kernel takes at once: how many bytes, 0 when it takes none now, negative when the connection is
  /// lost. Not while `isWriting`.
  @inline(__always)
  func tryWrite(_ base: UnsafeRawPointer, _ count: Int) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    // A buffer's length is a size_t, but the kernel's count of bytes written is what libuv returns as an int.
    var buffer = uv_buf_t(
      base: UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: CChar.self)), len: min(count, 1 << 30))
    let written = uv_try_write(cuv_stream(tcp), &buffer, 1)
    return written == UV_EAGAIN.rawValue ? 0 : Int(written)
  }

  func tryWrite(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    let written = uv_try_write(cuv_stream(tcp), buffers.baseAddress, UInt32(buffers.count))
    return written == UV_EAGAIN.rawValue ? 0 : Int(written)
  }

  /// Writes all of it, as the kernel takes it; `streamWritten` or `streamFailed` follows later. One at a time. The
  /// bytes stay the caller's and in place until then. False: the connection is lost.
  func write(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Bool {
    precondition(!isWriting, "one write at a time")
    guard !isClosed else { return false }
    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    isWriting = true
    let result = uv_write(request, cuv_stream(tcp), buffers.baseAddress, UInt32(buffers.count)) { request, status in
      guard let request else { return }
      let data = request.pointee.handle.pointee.data
      request.deallocate()
      guard let data else { return }
      Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { stream in
        stream.isWriting = false
        guard let owner = stream.owner else { return }
        if status == 0 { owner.streamWritten() } else { owner.streamFailed(status) }
      }
    }
    if result != 0 {
      request.deallocate()
      isWriting = false
    }
    return result == 0
  }

  /// Sends the FIN: our side is done, the peer's may still come. Nothing may be waiting to be written.
  func shutdown() {
    guard !isClosed else { return }
    var descriptor: uv_os_fd_t = -1
    if uv_fileno(cuv_handle(tcp), &descriptor) == 0 { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
  }

  /// The end; the peer is told by FIN if it was not yet.
  func close() {
    guard !isClosed else { return }
    markClosed()
    uv_close(cuv_handle(tcp), Stream.letGo)
  }

  /// The end at once: the peer is told by RST, what was not sent is thrown away.
  func reset() {
    guard !isClosed else { return }
    if uv_tcp_close_reset(tcp, Stream.letGo) == 0 { markClosed() } else { close() }
  }

  /// "127.0.0.1:51234", "[::1]:51234"; empty when the kernel no longer knows.
  var remoteAddress: String {
    var storage = sockaddr_storage()
    var length = Int32(MemoryLayout<sockaddr_storage>.size)
    let known = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { uv_tcp_getpeername(tcp, $0, &length) == 0 }
    }
    return known ? SocketAddress(storage).description : ""
  }

  private func markClosed() {
    isClosed = true
    isReading = false
    owner = nil
  }

  private static let letGo: uv_close_cb = { handle in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<Stream>.fromOpaque(data).release()
  }
}

/// An open connection between two loops: a descriptor that closes itself if nobody adopts it.
///
/// `@unchecked Sendable`: it is sent once, from the loop that gave it up to the one that adopts it, and each uses it
/// alone.
final class DetachedConnection: @unchecked Sendable {
  private(set) var descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  func wasAdopted() { descriptor = -1 }
}
