import CUV
import Glibc

/// The file by which a Unix-domain socket is reached, as it was bound. Any thread.
struct SocketFile: Sendable {
  let path: String
  private let device: dev_t
  private let node: ino_t

  /// Binds and listens. A file that nobody listens behind is what a process has left that did not end well: it is
  /// replaced.
  static func bind(_ path: String) throws(Status) -> (file: SocketFile, descriptor: Int32) {
    guard let address = SocketFile.address(path) else { throw .badAddress }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system }
    do throws(Status) {
      var reason = call(Glibc.bind, descriptor, address)
      if reason == EADDRINUSE {
        try removeStale(path, address)
        reason = call(Glibc.bind, descriptor, address)
      }
      guard reason == 0 else { throw reason == EADDRINUSE ? .addressInUse : .badAddress }
      guard let status = SocketFile.status(path) else { throw .badAddress }
      let file = SocketFile(path: path, device: status.st_dev, node: status.st_ino)
      guard Glibc.listen(descriptor, Listener.backlog) == 0 else {
        file.remove()
        throw .badAddress
      }
      return (file, descriptor)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Unless another process has put its own in its place.
  func remove() {
    guard let status = SocketFile.status(path), status.st_dev == device, status.st_ino == node else { return }
    unlink(path)
  }

  private static func removeStale(_ path: String, _ address: sockaddr_un) throws(Status) {
    guard let status = status(path), status.st_mode & S_IFMT == S_IFSOCK else { throw .badAddress }
    let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let probe = socket(AF_UNIX, flags, 0)
    guard probe >= 0 else { throw .system }
    defer { Glibc.close(probe) }
    // Only this says that nobody is there: a listener whose backlog is full answers otherwise, and so does one that
    // belongs to somebody else.
    guard call(Glibc.connect, probe, address) == ECONNREFUSED else { throw .addressInUse }
    unlink(path)
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
