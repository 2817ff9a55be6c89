import CDOG

@c @implementation
public func dog_listen_options_init(
  _ options: UnsafeMutablePointer<dog_listen_options_t>?, _ size: Int
) -> dog_status_t {
  outcome { try dog_listen_options_t.make(options, size: size) }
}

@c @implementation
public func dog_engine_listen_with(
  _ engine: OpaquePointer?, _ options: UnsafePointer<dog_listen_options_t>?,
  _ bound_port: UnsafeMutablePointer<UInt16>?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    let bound = try engine.listen(ListenOptions(dog_listen_options_t(reading: options)))
    bound_port?.pointee = bound
    return .ok
  }
}

@c @implementation
public func dog_engine_reload_certificates(_ engine: OpaquePointer?) -> dog_status_t {
  explained { try Engine.find(engine).reloadCertificates() }
}

extension dog_listen_options_t: HostStruct {}

extension ListenOptions {
  private static var certificatesMax: Int { 1000 }

  fileprivate init(_ host: dog_listen_options_t) throws(Status) {
    self.init()
    if host.host != nil {
      guard host.path == nil else { throw .invalid.because("host and path do not go together") }
      self.host = try address(host.host, as: "host")
    }
    port = host.port
    if host.path != nil {
      guard port == 0 else { throw .invalid.because("port and path do not go together") }
      path = try address(host.path, as: "path")
    }
    if host.certificate_count != 0 {
      guard let list = host.certificates, (1...Self.certificatesMax).contains(host.certificate_count) else {
        let fault = host.certificates == nil ? "certificates is NULL" : "more than \(Self.certificatesMax)"
        throw .invalid.because("certificate_count is \(host.certificate_count), and \(fault)")
      }
      for certificate in UnsafeBufferPointer(start: list, count: host.certificate_count) {
        certificates.append(
          Certificate(
            certificateFile: try text(certificate.certificate_file, as: "certificate_file"),
            keyFile: try text(certificate.key_file, as: "key_file")))
      }
    }
    if host.client_ca_file != nil { clientAuthoritiesFile = try text(host.client_ca_file, as: "client_ca_file") }
    guard let asked = ClientCertificate(rawValue: host.client_certificate.rawValue) else {
      throw .invalid.because("client_certificate is \(host.client_certificate.rawValue), none of its values")
    }
    clientCertificate = asked
    expectsProxyHeader = try flag(host.proxy_protocol, as: "proxy_protocol")
    mode = host.mode
    isIPv6Only = try flag(host.ipv6_only, as: "ipv6_only")
  }
}

/// The text of an address: one that cannot be read is a bad address.
func address(_ pointer: UnsafePointer<CChar>?, as member: String) throws(Status) -> String {
  do { return try text(pointer, as: member) } catch { throw .badAddress }
}
