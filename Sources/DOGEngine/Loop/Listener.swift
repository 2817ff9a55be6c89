import CUV
import Glibc

/// A bound TCP port with one accepting socket per worker (SO_REUSEPORT): the kernel spreads connections over them, so
/// no worker hands another its connections at accept.
struct BoundPort: Sendable {
  let address: SocketAddress
  /// One for each worker; each is closed by the listener that takes it.
  let descriptors: [Int32]

  /// Binds and listens; nobody accepts yet. `port` 0 takes a free one.
  static func bind(host: String, port: UInt16, count: Int) throws(Status) -> BoundPort {
    guard let wanted = SocketAddress(host: host, port: port) else { throw .badAddress }
    // SO_REUSEPORT would let a second process share the port in silence. So the port is first bound alone, which fails
    // with EADDRINUSE where anyone holds it.
    let probe = try open(wanted, sharing: false)
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let named = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(probe, $0, &length) == 0 }
    }
    Glibc.close(probe)
    guard named else { throw .system }
    let address = SocketAddress(storage)
    var descriptors: [Int32] = []
    for _ in 0..<count {
      do {
        descriptors.append(try open(address, sharing: true))
      } catch {
        for descriptor in descriptors { Glibc.close(descriptor) }
        throw error
      }
    }
    return BoundPort(address: address, descriptors: descriptors)
  }

  func close() { for descriptor in descriptors { Glibc.close(descriptor) } }

  private static func open(_ address: SocketAddress, sharing: Bool) throws(Status) -> Int32 {
    let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system }
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
    if sharing { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, size) }
    if address.family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size) }
    guard address.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
      let reason = errno
      Glibc.close(descriptor)
      throw reason == EADDRINUSE ? .addressInUse : .badAddress
    }
    // Only a listening socket makes a later bind to the same port fail.
    guard Glibc.listen(descriptor, sharing ? Listener.backlog : 1) == 0 else {
      let reason = errno
      Glibc.close(descriptor)
      throw reason == EADDRINUSE ? .addressInUse : .badAddress
    }
    return descriptor
  }
}

/// Accepts on one worker's socket of a bound port. Lives on one loop; closed like a stream.
///
/// It watches its descriptor and accepts by itself. `uv_listen` would not do: out of descriptors it calls back again
/// and again without a return to the loop (libuv 1.44, uv__server_io), so that nothing ever runs that would free one.
/// Here accepting rests for a while; who waits stays in the kernel's backlog, and those who are connected are served
/// on.
final class Listener {
  fileprivate static let backlog: Int32 = 1024
  /// A rush of arrivals does not keep the loop from those who are there: the rest comes in the next turn.
  private static let acceptsPerTurnMax = 64
  private static let restMs: UInt64 = 100

  private let descriptor: Int32
  private let poll: UnsafeMutablePointer<uv_poll_t>
  private let timer: UnsafeMutablePointer<uv_timer_t>
  private let loop: EventLoop
  private let onConnection: (Stream) -> Void
  private let onError: (String) -> Void
  private var isClosed = false
  /// True from an accept for which something was short, until one succeeds: the shortage is told once.
  private var isShort = false

  /// Takes the descriptor over.
  init(
    descriptor: Int32, on loop: EventLoop, onConnection: @escaping (Stream) -> Void,
    onError: @escaping (String) -> Void
  ) throws(Status) {
    self.descriptor = descriptor
    self.loop = loop
    self.onConnection = onConnection
    self.onError = onError
    poll = .allocate(capacity: 1)
    timer = .allocate(capacity: 1)
    guard uv_poll_init(loop.uv, poll, descriptor) == 0 else {
      poll.deallocate()
      timer.deallocate()
      Glibc.close(descriptor)
      throw .system
    }
    uv_timer_init(loop.uv, timer)
    // Balanced in the close callback of the timer, which is closed last.
    let me = Unmanaged.passRetained(self).toOpaque()
    poll.pointee.data = me
    timer.pointee.data = me
    watch()
  }

  deinit {
    poll.deallocate()
    timer.deallocate()
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    uv_close(cuv_handle(poll)) { handle in
      guard let data = handle?.pointee.data else { return }
      let listener = Unmanaged<Listener>.fromOpaque(data).takeUnretainedValue()
      uv_close(cuv_handle(listener.timer)) { handle in
        guard let data = handle?.pointee.data else { return }
        Unmanaged<Listener>.fromOpaque(data).release()
      }
    }
    // Only now, when the loop no longer watches it: its number may be a connection's at once.
    Glibc.close(descriptor)
  }

  private func watch() {
    uv_poll_start(poll, Int32(UV_READABLE.rawValue)) { handle, _, _ in
      guard let data = handle?.pointee.data else { return }
      Unmanaged<Listener>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.acceptWaiting() }
    }
  }

  private func acceptWaiting() {
    for _ in 0..<Listener.acceptsPerTurnMax {
      guard !isClosed else { return }
      let accepted = accept(descriptor, nil, nil)
      guard accepted >= 0 else { return couldNotAccept(errno) }
      _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
      isShort = false
      do {
        onConnection(try Stream.adopt(DetachedConnection(descriptor: accepted), on: loop))
      } catch {
        onError("accept failed")
      }
    }
  }

  private func couldNotAccept(_ reason: Int32) {
    switch reason {
    case EAGAIN, EINTR, ECONNABORTED: return
    default: break
    }
    if !isShort { onError(String(cString: strerror(reason))) }
    isShort = true
    uv_poll_stop(poll)
    uv_timer_start(
      timer,
      { handle in
        guard let data = handle?.pointee.data else { return }
        Unmanaged<Listener>.fromOpaque(data)._withUnsafeGuaranteedRef { listener in
          if !listener.isClosed { listener.watch() }
        }
      }, Listener.restMs, 0)
  }
}
