import CUV
import Glibc

/// Where clients connect to, with one accepting socket per worker: for a TCP port by SO_REUSEPORT, so that the kernel
/// spreads connections over them; for a Unix-domain socket, of which there can be but one, by its descriptor's copies,
/// of which one gets each connection. No worker hands another its connections at accept.
struct BoundPort: Sendable {
  /// 0 of a Unix-domain socket.
  let port: UInt16
  /// Removed by who ends the listening.
  let file: SocketFile?
  let endpoint: Endpoint
  /// One for each worker; each is closed by the listener that takes it.
  let descriptors: [Int32]

  /// Binds and listens; nobody accepts yet. `port` 0 takes a free one.
  static func bind(
    host: String, port: UInt16, count: Int, endpoint: Endpoint = Endpoint()
  ) throws(Status) -> BoundPort {
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
    return BoundPort(port: address.port, file: nil, endpoint: endpoint, descriptors: descriptors)
  }

  /// Binds a Unix-domain socket and listens; nobody accepts yet.
  static func bind(path: String, count: Int, endpoint: Endpoint) throws(Status) -> BoundPort {
    let (file, descriptor) = try SocketFile.bind(path)
    var descriptors = [descriptor]
    while descriptors.count < count {
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      guard copy >= 0 else {
        for descriptor in descriptors { Glibc.close(descriptor) }
        file.remove()
        throw .system
      }
      descriptors.append(copy)
    }
    return BoundPort(port: 0, file: file, endpoint: endpoint, descriptors: descriptors)
  }

  /// Of one that no listener has taken over.
  func close() {
    file?.remove()
    for descriptor in descriptors { Glibc.close(descriptor) }
  }

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
