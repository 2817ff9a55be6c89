import Glibc

/// What the kernel does about TCP peers that have vanished without a word. Set on a listening socket: the sockets that
/// it accepts inherit it, so no connection pays for it.
struct PeerChecks {
  /// A connection that was silent for so long is probed; 0: never.
  let keepaliveMs: UInt64
  /// A connection ends if its peer acknowledges no bytes, or keeps its window shut, for so long; 0: as the system has
  /// it.
  let userTimeoutMs: UInt64

  /// The kernel's limit: it refuses a longer time.
  private static let secondsMax: UInt64 = 32_767
  private static let probesMax: Int32 = 3

  /// On a TCP socket. A kernel that lacks one of them does without.
  func set(on descriptor: Int32) {
    if keepaliveMs > 0 {
      let seconds = min(max(keepaliveMs / 1000, 1), PeerChecks.secondsMax)
      set(SOL_SOCKET, SO_KEEPALIVE, 1, on: descriptor)
      set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, Int32(truncatingIfNeeded: seconds), on: descriptor)
      set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, Int32(truncatingIfNeeded: max(seconds / 3, 1)), on: descriptor)
      set(Int32(IPPROTO_TCP), TCP_KEEPCNT, PeerChecks.probesMax, on: descriptor)
    }
    if userTimeoutMs > 0 {
      set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: userTimeoutMs), on: descriptor)
    }
  }

  private func set(_ level: Int32, _ name: Int32, _ value: Int32, on descriptor: Int32) {
    var value = value
    setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
