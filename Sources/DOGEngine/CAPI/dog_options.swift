import CDOG

@c @implementation
public func dog_options_init(_ options: UnsafeMutablePointer<dog_options_t>?, _ size: Int) -> dog_status_t {
  outcome { try dog_options_t.make(options, size: size) }
}

extension dog_options_t: HostStruct {
  static var defaults: dog_options_t { dog_options_t(Options()) }

  fileprivate init(_ options: Options) {
    self.init()
    for row in Options.table { row.write(options, &self) }
  }
}

extension Options {
  /// As the host has set them. The engine checks the ranges of numbers. A number that is no member of its enum cannot
  /// be converted, and is refused here.
  init(_ host: dog_options_t) throws(Status) {
    self.init()
    let hostLog = host.log.map { HostLog(write: $0, user: host.log_user) }
    if let hostLog { log = { hostLog($0, $1) } }
    func refused(_ reason: String) -> Status {
      hostLog?(.error, reason)
      return .invalid.because(reason)
    }
    for row in Options.table {
      if let fault = row.read(host, &self) { throw refused("option \(row.name) is out of its range: \(fault)") }
    }
    if host.trusted_proxies != nil {
      do {
        trustedProxies = try text(host.trusted_proxies, as: "trusted_proxies")
      } catch {
        throw refused("option trusted_proxies is too long, or not UTF-8")
      }
    }
  }
}

/// The host's log function.
///
/// `@unchecked Sendable`: dog.h says that it is called on any thread; the pointer is passed on and never dereferenced.
private struct HostLog: @unchecked Sendable {
  let write: @convention(c) (UnsafeMutableRawPointer?, dog_log_level_t, UnsafePointer<CChar>?, Int) -> Void
  let user: UnsafeMutableRawPointer?

  func callAsFunction(_ level: LogLevel, _ line: String) {
    let level = dog_log_level_t(rawValue: UInt32(clamping: level.rawValue))
    line.withBytes { write(user, level, $0.text, $0.count) }
  }
}
