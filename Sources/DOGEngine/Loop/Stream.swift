import CUV
import Glibc

/// A TCP connection on one loop. Close is asynchronous with one road out: `close` (or `reset`), then libuv's close
/// callback lets the stream go. Its owner is not told.
final class Stream {
  let tcp: UnsafeMutablePointer<uv_tcp_t>
  let loop: EventLoop
  var peer: Peer
  /// What the connection counts for while it is open; goes with it to another loop.
  var place: AddressCounts.Place?
  /// Gets the events; nil after `close`. Unowned: whoever owns the stream sets itself here, and closes it before it
  /// goes.
  unowned(unsafe) var owner: (any StreamOwner)?
  /// True from `write` until its callback, and while a TLS record waits for the kernel.
  var isWriting = false
  /// Bytes that libuv was given to write, those of TLS included: the kernel has them, or they wait for it.
  var bytesGiven = 0
  private(set) var isClosed = false
  /// True while its owner wants to read.
  private(set) var isReading = false
  /// Where it is in the loop's list of those that it has no room for; the loop's to write.
  var heldPlace: Int?
  /// True from when the loop had no room for what came until it goes on.
  var isHeld: Bool { heldPlace != nil }
  private var heldSince: UInt64 = 0
  /// What comes is thrown away, and its end alone awaited: that there is always room for.
  private var readsToEnd = false
  /// Reads what comes before all else, TLS included; nil when that is over, or there is none. It advances its input
  /// past what it has taken. To be set before `begin`.
  var preface: ((inout UnsafeMutableRawBufferPointer) -> PrefaceProgress)?

  /// What is written goes out as it is, and at once: nothing has to come first.
  var isPlain: Bool { preface == nil && tls == nil }

  // TLS alone: see Stream+TLS.swift.
  var tls: TLSSession?
  var tlsState = TLSState()

  private init(loop: EventLoop, peer: Peer) throws(Status) {
    self.loop = loop
    self.peer = peer
    tcp = .allocate(capacity: 1)
    // Whoever throws here has been made already: its deinit gives the memory back.
    guard uv_tcp_init(loop.uv, tcp) == 0 else { throw .system }
    // Balanced in the close callback: libuv holds the handle, so the stream, until then.
    tcp.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  deinit { tcp.deallocate() }

  /// Takes over the descriptor of a new connection.
  static func accept(
    _ descriptor: Int32, from peer: Peer, on loop: EventLoop, tls: TLSContext?
  ) throws(Status) -> Stream {
    let stream = try adopt(DetachedConnection(descriptor: descriptor, peer: peer, tls: nil), on: loop)
    guard let tls else { return stream }
    do {
      stream.tls = try TLSSession(context: tls, buffers: loop.tlsBuffers)
    } catch {
      stream.close()
      throw error
    }
    return stream
  }

  /// Continues a connection that another loop gave up.
  static func adopt(_ connection: DetachedConnection, on loop: EventLoop) throws(Status) -> Stream {
    let stream = try Stream(loop: loop, peer: connection.peer)
    guard uv_tcp_open(stream.tcp, connection.descriptor) == 0 else {
      stream.close()
      throw .system
    }
    connection.wasAdopted()
    stream.place = connection.place
    // A Unix-domain socket has no such thing, and says so.
    uv_tcp_nodelay(stream.tcp, 1)
    if let tls = connection.tls {
      tls.buffers = loop.tlsBuffers
      stream.tls = tls
      stream.tlsState.isReady = true
    }
    return stream
  }

  /// Gives the connection up to another loop; this stream closes. Nothing may be waiting to be written.
  func detach() throws(Status) -> DetachedConnection {
    guard !isWriting else { throw .system }
    var descriptor: uv_os_fd_t = -1
    guard uv_fileno(cuv_handle(tcp), &descriptor) == 0 else { throw .system }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system }
    let detached = DetachedConnection(descriptor: copy, peer: peer, place: place, tls: tls)
    tls?.keepInput()
    // Not a word of it to the peer: the connection goes on.
    tls = nil
    close()
    return detached
  }

  /// Reads for the first time: `streamReady` follows as soon as the connection may be used.
  func begin() {
    readStart()
    if preface == nil, tls == nil { owner?.streamReady(peer) }
  }

  @inline(__always)
  private func received(_ bytes: UnsafeMutableRawBufferPointer) {
    if preface != nil { return readPreface(bytes) }
    if tls != nil { return readCiphertext(bytes) }
    owner?.streamRead(bytes)
  }

  private func ended() {
    if tls != nil { return endCiphertext() }
    readStop()
    owner?.streamEnded()
  }

  private func readPreface(_ bytes: UnsafeMutableRawBufferPointer) {
    var rest = bytes
    switch preface?(&rest) {
    case .needMore, nil: return
    case .invalid(let reason):
      readStop()
      owner?.streamBroken(reason)
    case .done(let address):
      preface = nil
      if let address { speaks(for: address) }
      if tls == nil { owner?.streamReady(peer) }
      if !rest.isEmpty { received(rest) }
    }
  }

  /// The peer is a proxy, and this is its client.
  func speaks(for client: ClientAddress) { peer = peer.with(client: client) }

  func readStart() {
    guard !isReading, !isClosed else { return }
    isReading = true
    if tls != nil { resumeIfPending() }
    if !isHeld { startReading() }
  }

  private func startReading() {
    uv_read_start(
      cuv_stream(tcp),
      { handle, _, buffer in
        guard let buffer, let data = handle?.pointee.data else { return }
        Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { stream in
          let room = stream.loop.readBuffer
          // With no room given nothing is read, and the callback gets UV_ENOBUFS.
          buffer.pointee = uv_buf_t(
            base: room.baseAddress?.assumingMemoryBound(to: CChar.self), len: stream.mustWait ? 0 : room.count)
        }
      },
      { handle, count, buffer in
        guard count != 0, let data = handle?.pointee.data else { return }
        Unmanaged<Stream>.fromOpaque(data)._withUnsafeGuaranteedRef { stream in
          guard let owner = stream.owner else { return }
          if count > 0, let base = buffer?.pointee.base {
            stream.received(UnsafeMutableRawBufferPointer(start: base, count: count))
          } else if count == Int(UV_EOF.rawValue) {
            stream.ended()
          } else if count == Int(UV_ENOBUFS.rawValue), stream.mustWait {
            stream.hold()
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

  private var mustWait: Bool { loop.isHolding && !readsToEnd }

  private func hold() {
    uv_read_stop(cuv_stream(tcp))
    guard !isHeld else { return }
    heldSince = loop.now
    loop.goOnLater(self)
  }

  /// For what was read already and not passed on: true where it has to wait too, and `streamGoesOn` follows.
  func holdsBack() -> Bool {
    guard mustWait, !isClosed else { return false }
    hold()
    return true
  }

  /// The loop reads again.
  func goOn() {
    guard !isClosed else { return }
    readAgain()
    owner?.streamGoesOn(heldSince: heldSince)
  }

  /// From now on the owner throws away what comes, and waits for its end: a loop that holds reads it all the same.
  func readToEnd() {
    guard !readsToEnd, !isClosed else { return }
    readsToEnd = true
    guard isHeld else { return }
    loop.forgetHeld(self)
    readAgain()
  }

  private func readAgain() {
    guard isReading else { return }
    if tls != nil { resumeIfPending() }
    startReading()
  }

  /// Writes what the kernel takes at once: how many bytes, 0 when it takes none now, negative when the connection is
  /// lost. Not while `isWriting`, but over TLS: then it takes none. What TLS takes it has encrypted; where the kernel
  /// did not want all of it, the stream `isWriting` the rest, and `streamWritten` follows.
  @inline(__always)
  func tryWrite(_ base: UnsafeRawPointer, _ count: Int) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    if let tls { return tryWrite(base, count, as: tls) }
    return tryWriteRaw(base, count)
  }

  @inline(__always)
  func tryWriteRaw(_ base: UnsafeRawPointer, _ count: Int) -> Int {
    // A buffer's length is a size_t, but the kernel's count of bytes written is what libuv returns as an int.
    var buffer = uv_buf_t(
      base: UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: CChar.self)), len: min(count, 1 << 30))
    return given(uv_try_write(cuv_stream(tcp), &buffer, 1))
  }

  func tryWrite(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    if let tls { return tryWrite(buffers, as: tls) }
    return given(uv_try_write(cuv_stream(tcp), buffers.baseAddress, UInt32(buffers.count)))
  }

  @inline(__always)
  private func given(_ written: Int32) -> Int {
    if written == UV_EAGAIN.rawValue { return 0 }
    if written > 0 { bytesGiven += Int(written) }
    return Int(written)
  }

  /// How many bytes have reached the peer's system: what was given, less what waits for the kernel and what the kernel
  /// has no acknowledgement of. Only its growth means something: a Unix-domain socket counts its kernel's own overhead,
  /// and a stream that was adopted does not know what the one before it was given.
  var bytesDelivered: Int {
    var descriptor: uv_os_fd_t = -1
    var unacknowledged: Int32 = 0
    if uv_fileno(cuv_handle(tcp), &descriptor) == 0 { _ = ioctl(descriptor, UInt(TIOCOUTQ), &unacknowledged) }
    return bytesGiven - uv_stream_get_write_queue_size(cuv_stream(tcp)) - Int(unacknowledged)
  }

  /// Writes all of it, as the kernel takes it; `streamWritten` or `streamFailed` follows later. One at a time. The
  /// bytes stay the caller's and in place until then. False: the connection is lost. Not over TLS, which leaves nothing
  /// over unless it `isWriting`.
  func write(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Bool {
    precondition(!isWriting, "one write at a time")
    assert(tls == nil)
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
    if result == 0 {
      for buffer in buffers { bytesGiven += buffer.len }
    } else {
      request.deallocate()
      isWriting = false
    }
    return result == 0
  }

  /// Sends the FIN: our side is done, the peer's may still come. Nothing may be waiting to be written.
  func shutdown() {
    guard !isClosed else { return }
    if let tls { shutdown(as: tls) } else { sendFIN() }
  }

  func sendFIN() {
    var descriptor: uv_os_fd_t = -1
    if uv_fileno(cuv_handle(tcp), &descriptor) == 0 { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
  }

  /// The end; the peer is told by FIN if it was not yet.
  func close() {
    guard !isClosed else { return }
    if let tls { sayGoodbye(as: tls) }
    markClosed()
    uv_close(cuv_handle(tcp), Stream.letGo)
  }

  /// The end at once: the peer is told by RST, what was not sent is thrown away.
  func reset() {
    guard !isClosed else { return }
    if uv_tcp_close_reset(tcp, Stream.letGo) == 0 { markClosed() } else { close() }
  }

  private func markClosed() {
    isClosed = true
    isReading = false
    owner = nil
    preface = nil
    tls = nil
    place = nil
    loop.forgetHeld(self)
  }

  private static let letGo: uv_close_cb = { handle in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<Stream>.fromOpaque(data).release()
  }
}
