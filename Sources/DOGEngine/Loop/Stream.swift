import CUV
import Glibc

/// A TCP connection on one loop. Close is asynchronous with one road out: `close` (or `reset`), then libuv's close
/// callback lets the stream go. Its owner is not told.
///
/// libuv only watches the socket; reading and writing are our own (`Stream+Watching.swift`). libuv's own streams ask
/// for a buffer before each read and prepare a request for each write, which cost a quarter of an echo.
final class Stream: LineElement {
  let poll: UnsafeMutablePointer<uv_poll_t>
  /// -1 after `close`.
  private(set) var socket: Int32
  /// What `poll` waits for: bits of UV_READABLE and UV_WRITABLE. It may wait for longer than anybody reads or writes:
  /// that ends when it is told of the first, and most begin again before, which then takes no system call.
  var watched: Int32 = 0
  /// What a write has not given to the kernel yet.
  var flight: Flight?
  let loop: EventLoop
  var peer: Peer
  /// Its count for its address while it is open; goes with it to another loop.
  var place: AddressCounts.Place?
  /// Gets the events; nil after `close`. Whoever owns the stream sets itself here, and closes it before it goes.
  var owner: StreamOwner? {
    get { reader?.takeUnretainedValue() }
    set { reader = newValue.map { Unmanaged.passUnretained($0) } }
  }
  /// The same, to be called without a count of its reference. An owner that ends in such a call stays until the end of
  /// the turn (`Worker.keep`).
  private(set) var reader: Unmanaged<StreamOwner>?
  /// True from `write` until its callback, and while a TLS record waits for the kernel.
  var isWriting = false
  /// Bytes that were given to be written, those of TLS included: the kernel has them, or they wait for it in `flight`.
  var bytesGiven = 0
  private(set) var isClosed = false
  /// True while its owner wants to read.
  private(set) var isReading = false
  /// Where it is in the loop's `EndWatch` while it is open and nothing is read from it; else -1. Written by the watch
  /// alone.
  var watchedPlace: Int32 = -1
  /// The peer's FIN has come, whether or not it was read.
  private(set) var knowsEnd = false
  /// Its place in one of the loop's lines of streams that wait to read.
  var lineIndex = -1
  /// True while there is something to read that the loop has no room for, or that waits for its turn.
  var isHeld: Bool { lineIndex >= 0 }
  /// The loop's `heldMs` when it began to wait.
  private(set) var heldMsAtWait: UInt64 = 0
  /// Its turn has come: it may read once, whoever waits.
  private var hasTurn = false
  /// True if what comes is thrown away and only the peer's end is awaited: a loop that holds reads such a stream too.
  private(set) var readsToEnd = false
  /// Reads a header that comes before all else, also before TLS; nil when that is over, or there is none. It advances
  /// its input past what it has taken. To be set before `begin`.
  var preface: ((inout UnsafeMutableRawBufferPointer) -> PrefaceProgress)?

  /// True if what is written goes out at once and as it is: there is no TLS, and no header to wait for.
  var isPlain: Bool { preface == nil && tls == nil }

  // TLS alone: see Stream+TLS.swift.
  var tls: TLSSession?
  var tlsState = TLSState()

  private init(_ socket: Int32, loop: EventLoop, peer: Peer) throws(Status) {
    self.socket = socket
    self.loop = loop
    self.peer = peer
    poll = .allocate(capacity: 1)
    // All properties are set: if this throws, deinit frees the memory.
    guard uv_poll_init(loop.uv, poll, socket) == 0 else { throw .system }
    // Balanced in the close callback: libuv holds the handle, so the stream, until then.
    poll.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  deinit { poll.deallocate() }

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
    let stream = try Stream(connection.descriptor, loop: loop, peer: connection.peer)
    connection.wasAdopted()
    stream.place = connection.place
    // Fails on a Unix-domain socket, which has no such thing.
    cuv_send_at_once(stream.socket)
    if let tls = connection.tls {
      tls.buffers = loop.tlsBuffers
      stream.tls = tls
      stream.tlsState.isReady = true
    }
    return stream
  }

  /// Gives the connection up to another loop; this stream closes. Nothing may be waiting to be written.
  func detach() throws(Status) -> DetachedConnection {
    guard !isWriting, let descriptor else { throw .system }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system }
    let detached = DetachedConnection(descriptor: copy, peer: peer, place: place, tls: tls)
    tls?.keepInput()
    // The peer is told nothing: the connection goes on.
    tls = nil
    letGo()
    return detached
  }

  /// Reads for the first time: `streamReady` follows as soon as the connection may be used.
  func begin() {
    readStart()
    if preface == nil, tls == nil { owner?.streamReady(peer) }
  }

  @inline(__always)
  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    if preface != nil { return readPreface(bytes) }
    if tls != nil { return readCiphertext(bytes) }
    reader?._withUnsafeGuaranteedRef { $0.streamRead(bytes) }
  }

  func ended() {
    knowsEnd = true
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
    loop.endWatch.remove(self)
    watch(for: watched | Int32(UV_READABLE.rawValue))
  }

  func readStop() {
    guard isReading, !isClosed else { return }
    isReading = false
    stopReading()
  }

  /// From now on no read would tell of the peer's end: the watch looks for it.
  private func stopReading() { loop.endWatch.add(self) }

  /// The watch has found that the peer ended its side, or that the connection is lost.
  func hungUp(isLost: Bool) {
    if !isLost { knowsEnd = true }
    owner?.streamHangsUp(isLost: isLost)
  }

  /// How many bytes it may read now; 0 if it has to wait.
  @inline(__always)
  func takeTurn() -> Int {
    loop.isHolding || hasTurn || !loop.hasRoomToRead(self) ? takeOwnTurn() : .max
  }

  @inline(never)
  private func takeOwnTurn() -> Int {
    if loop.isHolding, !readsToEnd { return 0 }
    guard hasTurn else { return loop.hasRoomToRead(self) ? .max : 0 }
    hasTurn = false
    return loop.hasReadEnough ? EventLoop.turnBytesMin : .max
  }

  /// Reads nothing until the loop gives it a turn; `streamGoesOn` follows.
  func wait() {
    guard !isClosed else { return }
    stopReading()
    // There is something, which would be told again and again.
    watchNoReads()
    guard !isHeld else { return }
    heldMsAtWait = loop.heldMs
    hasTurn = false
    loop.standInLine(self)
  }

  /// For bytes that were read already and not passed on: true if they have to wait too; `streamGoesOn` follows.
  func holdsBack() -> Bool {
    guard !isClosed, takeTurn() == 0 else { return false }
    wait()
    return true
  }

  /// Its turn has come. `heldSince` is as long ago as the loop held while it waited; nil: it did not hold.
  func goOn(heldSince: UInt64?) {
    guard !isClosed else { return }
    hasTurn = true
    readAgain()
    owner?.streamGoesOn(heldSince: heldSince)
  }

  /// From now on the owner throws away what comes and waits for the peer's end: a loop that holds still reads it.
  func readToEnd() {
    guard !readsToEnd, !isClosed else { return }
    let wasHeld = isHeld
    loop.leaveLine(self)
    readsToEnd = true
    // It waits in the other line now, which a loop that holds serves too.
    if wasHeld { loop.standInLine(self) }
  }

  private func readAgain() {
    guard isReading else { return }
    if tls != nil { resumeIfPending() }
    startReading()
  }

  /// Writes what the kernel takes at once. Returns how many bytes: 0 if it takes none now, negative if the connection
  /// is lost. Not to be called while `isWriting`, except over TLS, which takes none then. Bytes that TLS takes are
  /// encrypted; if the kernel does not take all of that, the stream `isWriting` the rest, and `streamWritten` follows.
  @inline(__always)
  func tryWrite(_ base: UnsafeRawPointer, _ count: Int) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    if let tls { return tryWrite(base, count, as: tls) }
    return tryWriteRaw(base, count)
  }

  @inline(__always)
  func tryWriteRaw(_ base: UnsafeRawPointer, _ count: Int) -> Int {
    assert(!isWriting)
    return given(cuv_send(socket, UnsafeMutableRawPointer(mutating: base), count))
  }

  func tryWrite(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Int {
    guard !isClosed else { return Int(UV_ECANCELED.rawValue) }
    if let tls { return tryWrite(buffers, as: tls) }
    assert(!isWriting)
    return given(cuv_send_all(socket, buffers.baseAddress, buffers.count))
  }

  @inline(__always)
  private func given(_ written: Int) -> Int {
    if written > 0 { bytesGiven &+= written }
    return written
  }

  /// How many bytes have reached the peer's system: what was given, less what waits for the kernel and what the kernel
  /// has no acknowledgement of. Only its growth means something: a Unix-domain socket counts its kernel's own overhead,
  /// and a stream that was adopted does not know what the one before it was given.
  var bytesDelivered: Int {
    var unacknowledged: Int32 = 0
    if let descriptor { _ = ioctl(descriptor, UInt(TIOCOUTQ), &unacknowledged) }
    return bytesGiven - (flight?.bytesLeft ?? 0) - Int(unacknowledged)
  }

  /// Writes all of it, as the kernel takes it; `streamWritten` or `streamFailed` follows later. One at a time. The
  /// bytes stay the caller's and in place until then. False: the connection is lost. Not over TLS, which leaves nothing
  /// over unless it `isWriting`.
  func write(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>) -> Bool {
    precondition(!isWriting, "one write at a time")
    assert(tls == nil)
    guard !isClosed else { return false }
    begin(Flight(Array(buffers)))
    return true
  }

  /// Sends the FIN: our side is done, the peer's may still come. Nothing may be waiting to be written.
  func shutdown() {
    guard !isClosed else { return }
    if let tls { shutdown(as: tls) } else { sendFIN() }
  }

  func sendFIN() {
    if let descriptor { _ = Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
  }

  /// The end. The peer is told by FIN, at once, even if a forked child keeps a copy of the descriptor open.
  func close() {
    guard !isClosed else { return }
    if let tls { sayGoodbye(as: tls) }
    if let descriptor { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
    letGo()
  }

  /// The end without waiting for the peer, which still gets what the kernel has taken. Unread bytes would make the
  /// kernel reset the connection, so some reads throw them away first.
  func abandon() {
    guard !isClosed else { return }
    let room = loop.readBuffer
    for _ in 0..<Stream.discardsMax {
      guard let descriptor, recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT)) > 0 else { break }
    }
    close()
  }

  private static let discardsMax = 8

  /// The end at once: the peer is told by RST, what was not sent is thrown away.
  func reset() {
    guard let descriptor else { return }
    if cuv_break(descriptor) != 0 { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
    var atOnce = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
    letGo()
  }

  /// Closes the handle and the descriptor.
  private func letGo() {
    let descriptor = socket
    markClosed()
    uv_close(cuv_handle(poll), Stream.onClosed)
    // libuv has forgotten it by now: its next use may be another's.
    Glibc.close(descriptor)
  }

  /// Nil where there is none any more.
  var descriptor: Int32? { socket >= 0 ? socket : nil }

  private func markClosed() {
    isClosed = true
    socket = -1
    flight = nil
    isReading = false
    owner = nil
    preface = nil
    tls = nil
    place = nil
    loop.leaveLine(self)
    loop.endWatch.remove(self)
  }

  private static let onClosed: uv_close_cb = { handle in
    guard let data = handle?.pointee.data else { return }
    Unmanaged<Stream>.fromOpaque(data).release()
  }
}
