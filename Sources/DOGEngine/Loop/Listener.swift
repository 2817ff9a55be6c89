import CUV
import Glibc

/// Accepts on one worker's socket of a bound port. Lives on one loop; closed like a stream.
///
/// It watches its descriptor and accepts by itself. `uv_listen` would not do: when the process is out of descriptors,
/// it calls back again and again without a return to the loop (libuv 1.44, uv__server_io), so nothing runs that would
/// free one. Here accepting rests for a while. New clients wait in the kernel's backlog, and connected ones are served.
final class Listener {
  static let backlog: Int32 = 1024
  /// A rush of arrivals does not keep the loop from other clients: the rest is accepted in the next turn.
  private static let acceptsPerTurnMax = 64
  private static let restMs: UInt64 = 100

  private let descriptor: Int32
  private let endpoint: Endpoint
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
    descriptor: Int32, of endpoint: Endpoint, on loop: EventLoop, onConnection: @escaping (Stream) -> Void,
    onError: @escaping (String) -> Void
  ) throws(Status) {
    self.descriptor = descriptor
    self.endpoint = endpoint
    self.loop = loop
    self.onConnection = onConnection
    self.onError = onError
    poll = .allocate(capacity: 1)
    timer = .allocate(capacity: 1)
    // All properties are set: if this throws, deinit frees the memory.
    let result = uv_poll_init(loop.uv, poll, descriptor)
    guard result == 0 else {
      Glibc.close(descriptor)
      throw .system.because("a worker cannot watch its listener: \(SystemError(uv: result))")
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
    // Only now, when the loop no longer watches it: the number of a closed descriptor may be a connection's at once.
    BoundPort.stopListening(descriptor)
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
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let accepted = withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { cuv_accept(descriptor, $0, &length) }
      }
      guard accepted >= 0 else { return couldNotAccept(errno) }
      isShort = false
      do {
        let peer = Peer(address: endpoint.isUnix ? nil : SocketAddress(storage))
        onConnection(try Stream.accept(accepted, from: peer, on: loop, tls: endpoint.tls?.context))
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
    if !isShort { onError("\(SystemError(errno: reason))") }
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
