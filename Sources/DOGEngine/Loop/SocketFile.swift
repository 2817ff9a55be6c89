import CUV
import Glibc

/// The file by which a Unix-domain socket is reached, as it was bound. Any thread.
struct SocketFile: Sendable {
  let path: String
  private let device: dev_t
  private let node: ino_t

  /// Binds and listens. A file behind which nobody listens was left by a process that did not end well: it is replaced.
  /// `mode` 0: what the process's umask leaves.
  static func bind(_ path: String, mode: UInt32 = 0) throws(Status) -> (file: SocketFile, descriptor: Int32) {
    guard let address = SocketFile.address(path) else {
      throw .badAddress.because("path is empty, has a NUL in it, or is longer than 107 bytes: \"\(path)\"")
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(errno, path) }
    do throws(Status) {
      // bind makes the file with what the socket's mode and the umask both allow, so at no time with more than `mode`.
      guard mode == 0 || fchmod(descriptor, mode) == 0 else { throw failure(errno, path) }
      var reason = call(Glibc.bind, descriptor, address)
      if reason == EADDRINUSE {
        try removeStale(path, address)
        reason = call(Glibc.bind, descriptor, address)
      }
      guard reason == 0 else { throw failure(reason, path) }
      guard let status = SocketFile.status(path) else { throw failure(errno, path) }
      let file = SocketFile(path: path, device: status.st_dev, node: status.st_ino)
      // What the umask took away is given back before anybody can connect: the socket does not listen yet.
      let mustGiveBack = mode != 0 && status.st_mode & 0o777 != mode
      guard !mustGiveBack || chmod(path, mode) == 0, Glibc.listen(descriptor, Listener.backlog) == 0 else {
        let reason = errno
        file.remove()
        throw failure(reason, path)
      }
      return (file, descriptor)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Removes the file, unless another process has put its own in its place.
  func remove() {
    guard let status = SocketFile.status(path), status.st_dev == device, status.st_ino == node else { return }
    unlink(path)
  }

  private static func removeStale(_ path: String, _ address: sockaddr_un) throws(Status) {
    guard let status = status(path), status.st_mode & S_IFMT == S_IFSOCK else {
      throw .badAddress.because("cannot listen on \(path): it is there, and is no socket")
    }
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let probe = socket(AF_UNIX, flags, 0)
    guard probe >= 0 else { throw failure(errno, path) }
    defer { Glibc.close(probe) }
    // Only ECONNREFUSED says that nobody listens: a listener whose backlog is full answers otherwise, and so does one
    // that belongs to another user.
    guard call(Glibc.connect, probe, address) == ECONNREFUSED else { throw failure(EADDRINUSE, path) }
    unlink(path)
  }

  private static func failure(_ reason: Int32, _ path: String) -> Status {
    let status: Status =
      switch reason {
      case EADDRINUSE: .addressInUse
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: .system
      default: .badAddress
      }
    return status.because("cannot listen on \(path): \(SystemError(errno: reason))")
  }

  /// Nil: too long, empty, or with a NUL in it.
  private static func address(_ path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
      guard !bytes.isEmpty, bytes.count < field.count, !bytes.contains(0) else { return false }
      field.copyBytes(from: bytes)
      return true
    }
    return fits ? address : nil
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
  }

  /// 0, or errno.
  private static func call(
    _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32, _ address: sockaddr_un
  ) -> Int32 {
    var address = address
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return result == 0 ? 0 : errno
  }
}
