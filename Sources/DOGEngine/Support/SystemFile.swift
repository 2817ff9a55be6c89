import Glibc

/// Small files of the system's, such as those in /proc.
enum SystemFile {
  private static let bytesMax = 1 << 20

  /// Resident memory of this process; nil if the system does not say.
  static func residentBytes() -> UInt64? {
    // Pages: "size resident shared ...".
    guard let fields = text("/proc/self/statm")?.split(separator: " "), fields.count > 1, let pages = UInt64(fields[1])
    else { return nil }
    let (bytes, overflows) = pages.multipliedReportingOverflow(by: UInt64(clamping: sysconf(Int32(_SC_PAGESIZE))))
    return overflows ? nil : bytes
  }

  /// The file's text; nil if it cannot be read, or is longer than such files are. A child that is forked meanwhile does
  /// not inherit it.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 4096)
    while bytes.count < bytesMax {
      let count = read(descriptor, &room, room.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      guard count > 0 else { return String(validating: bytes, as: UTF8.self) }
      bytes += room[..<count]
    }
    return nil
  }
}
