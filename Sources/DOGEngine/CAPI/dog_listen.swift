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
  outcome {
    let engine = try Engine.find(engine)
    let bound = try engine.listen(ListenOptions(dog_listen_options_t(reading: options)))
    bound_port?.pointee = bound
    return .ok
  }
}

@c @implementation
public func dog_engine_reload_certificates(_ engine: OpaquePointer?) -> dog_status_t {
  outcome { try Engine.find(engine).reloadCertificates() }
}

extension dog_listen_options_t: HostStruct {}

extension ListenOptions {
  private static var certificatesMax: Int { 1000 }

  fileprivate init(_ host: dog_listen_options_t) throws(Status) {
    self.init()
    if host.host != nil {
      guard host.path == nil else { throw .invalid }
      guard let address = try? text(host.host) else { throw .badAddress }
      self.host = address
    }
    port = host.port
    if host.path != nil {
      guard port == 0 else { throw .invalid }
      guard let path = try? text(host.path) else { throw .badAddress }
      self.path = path
    }
    if host.certificate_count != 0 {
      guard let list = host.certificates, (1...Self.certificatesMax).contains(host.certificate_count) else {
        throw .invalid
      }
      for certificate in UnsafeBufferPointer(start: list, count: host.certificate_count) {
        certificates.append(
          Certificate(
            certificateFile: try text(certificate.certificate_file), keyFile: try text(certificate.key_file)))
      }
    }
    if host.client_ca_file != nil { clientAuthoritiesFile = try text(host.client_ca_file) }
    guard let asked = ClientCertificate(rawValue: host.client_certificate.rawValue) else { throw .invalid }
    clientCertificate = asked
    guard host.proxy_protocol <= 1 else { throw .invalid }
    expectsProxyHeader = host.proxy_protocol == 1
  }
}
