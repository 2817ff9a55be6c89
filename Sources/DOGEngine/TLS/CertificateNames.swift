/// Which of several certificates is for a host name, by the names that they carry (RFC 6125, section 6.4): the name
/// itself, else one with `*` in place of its first label. Of two certificates for one name the first is taken.
struct CertificateNames: Sendable {
  private var exact: [String: Int] = [:]
  /// By what follows "*.".
  private var wildcards: [String: Int] = [:]

  mutating func add(_ name: String, certificate: Int) {
    let name = CertificateNames.fold(name)
    if name.hasPrefix("*.") {
      let rest = String(name.dropFirst(2))
      if !rest.isEmpty, wildcards[rest] == nil { wildcards[rest] = certificate }
    } else if exact[name] == nil {
      exact[name] = certificate
    }
  }

  func certificate(for host: String) -> Int? {
    let host = CertificateNames.fold(host)
    if let found = exact[host] { return found }
    guard let dot = host.firstIndex(of: "."), dot > host.startIndex else { return nil }
    return wildcards[String(host[host.index(after: dot)...])]
  }

  /// ASCII letters alone have two cases here: a name that is not ASCII travels as punycode.
  private static func fold(_ name: String) -> String {
    String(decoding: name.utf8.map(ASCII.lowercase), as: UTF8.self)
  }
}
