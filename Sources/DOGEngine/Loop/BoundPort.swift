import CUV
import Glibc

/// An address that clients connect to, with one accepting descriptor for each worker. For a TCP port these are sockets
/// with SO_REUSEPORT, and the kernel spreads connections over them. For a Unix-domain socket they are copies of one
/// descriptor, and one worker gets each connection. So no worker hands connections to another at accept.
struct BoundPort: Sendable {
  /// 0 of a Unix-domain socket.
  let port: UInt16
  /// Removed when the listening ends.
  let file: SocketFile?
  let endpoint: Endpoint
  /// One for each worker; each is closed by the listener that takes it.
  let descriptors: [Int32]

  /// Binds and listens; nobody accepts yet. `port` 0 takes a free one. An IPv6 address that stands for IPv4 too ("::")
  /// takes both, unless `isIPv6Only`.
  static func bind(
    host: String, port: UInt16, isIPv6Only: Bool = false, count: Int, endpoint: Endpoint = Endpoint()
  ) throws(Status) -> BoundPort {
    // The one name that is the same on every machine.
    let numeric = host.lowercased() == "localhost" ? "127.0.0.1" : host
    guard let wanted = SocketAddress(host: numeric, port: port) else {
      throw .badAddress.because(
        "host is \"\(host)\", which is no numeric address; names are not looked up, \"localhost\" apart")
    }
    // SO_REUSEPORT would let a second process share the port silently. So the first socket listens without it, which
    // fails with EADDRINUSE if anyone holds the port, and sets it only then. So nobody else can take a port that was
    // found free.
    var descriptors = [try open(wanted, sharing: false, isIPv6Only: isIPv6Only)]
    do throws(Status) {
      let address = try share(descriptors[0], wanted)
      while descriptors.count < count {
        descriptors.append(try open(address, sharing: true, isIPv6Only: isIPv6Only))
      }
      return BoundPort(port: address.port, file: nil, endpoint: endpoint, descriptors: descriptors)
    } catch {
      for descriptor in descriptors { Glibc.close(descriptor) }
      throw error
    }
  }

  /// Others may listen on its port from now on. Returns its address, with the bound port.
  private static func share(_ descriptor: Int32, _ wanted: SocketAddress) throws(Status) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let named = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
    }
    var on: Int32 = 1
    guard named, setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw failure(errno, wanted)
    }
    return SocketAddress(storage)
  }

  /// Binds a Unix-domain socket and listens; nobody accepts yet. `mode` 0 is as the umask has it.
  static func bind(path: String, mode: UInt32 = 0, count: Int, endpoint: Endpoint) throws(Status) -> BoundPort {
    let (file, descriptor) = try SocketFile.bind(path, mode: mode)
    var descriptors = [descriptor]
    while descriptors.count < count {
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      guard copy >= 0 else {
        let reason = errno
        for descriptor in descriptors { Glibc.close(descriptor) }
        file.remove()
        throw .system.because("cannot listen on \(path): \(SystemError(errno: reason))")
      }
      descriptors.append(copy)
    }
    return BoundPort(port: 0, file: file, endpoint: endpoint, descriptors: descriptors)
  }

  /// For one that no listener has taken over.
  func close() {
    file?.remove()
    for descriptor in descriptors { BoundPort.stopListening(descriptor) }
  }

  /// Ends the listening, even if a forked child has a copy of the descriptor.
  static func stopListening(_ descriptor: Int32) {
    _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
    Glibc.close(descriptor)
  }

  private static func open(_ address: SocketAddress, sharing: Bool, isIPv6Only: Bool) throws(Status) -> Int32 {
    let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno, address) }
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
    if sharing { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, size) }
    if address.family == AF_INET6 {
      // Set either way: the default is the system's to configure.
      var only: Int32 = isIPv6Only ? 1 : 0
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, size)
    }
    // Only a listening socket makes a later bind to the same port fail.
    guard address.withSockaddr({ Glibc.bind(descriptor, $0, $1) }) == 0,
      Glibc.listen(descriptor, Listener.backlog) == 0
    else {
      let reason = errno
      Glibc.close(descriptor)
      throw failure(reason, address)
    }
    return descriptor
  }

  private static func failure(_ reason: Int32, _ address: SocketAddress) -> Status {
    let status: Status =
      switch reason {
      case EADDRINUSE: .addressInUse
      // Not the address's fault.
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: .system
      default: .badAddress
      }
    return status.because("cannot listen on \(address): \(SystemError(errno: reason))")
  }
}
