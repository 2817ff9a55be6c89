/// Where and how an engine listens; see dog_listen_options_t.
public struct ListenOptions: Sendable {
  public var host = "127.0.0.1"
  /// 0: a free one.
  public var port: UInt16 = 0
  /// An IPv6 address that takes IPv4 too ("::") takes IPv6 alone.
  public var isIPv6Only = false
  /// A Unix-domain socket in place of host and port.
  public var path: String?
  /// The permissions of its file; 0: what the umask leaves.
  public var mode: UInt32 = 0
  /// Empty: no TLS. The first is the default, the others are for the names in them.
  public var certificates: [Certificate] = []
  public var clientAuthoritiesFile: String?
  public var clientCertificate = ClientCertificate.none
  /// A PROXY header must come first.
  public var expectsProxyHeader = false

  public init() {}
}

extension Engine {
  /// Binds a TCP listener; returns the port. `port` 0 takes a free one.
  @discardableResult
  public func listen(host: String = "127.0.0.1", port: UInt16) throws(Status) -> UInt16 {
    var options = ListenOptions()
    options.host = host
    options.port = port
    return try listen(options)
  }

  /// Binds a listener; returns the port, 0 for a Unix-domain socket. Before the start only.
  @discardableResult
  public func listen(_ options: ListenOptions) throws(Status) -> UInt16 {
    try edit { definitions throws(Status) in
      let asksClients = options.clientCertificate != .none
      guard asksClients == (options.clientAuthoritiesFile != nil), !asksClients || !options.certificates.isEmpty else {
        throw refused(.invalid, "client certificates need certificates, client_certificate and client_ca_file")
      }
      guard !options.expectsProxyHeader || !self.options.trustedProxies.isEmpty else {
        throw refused(.invalid, "proxy_protocol needs trusted_proxies")
      }
      guard options.mode == 0 || options.path != nil else { throw .invalid.because("mode is for a path") }
      guard options.mode <= 0o777 else {
        throw .invalid.because("mode is 0\(String(options.mode, radix: 8)), not 0 to 0777 (octal)")
      }
      guard !options.isIPv6Only || options.path == nil else {
        throw .invalid.because("ipv6_only and path do not go together")
      }
      var endpoint = Endpoint(expectsProxyHeader: options.expectsProxyHeader, isUnix: options.path != nil)
      if !options.certificates.isEmpty { endpoint.tls = try makeTLS(options) }
      let bound =
        if let path = options.path {
          try BoundPort.bind(path: path, mode: options.mode, count: workerCount, endpoint: endpoint)
        } else {
          try BoundPort.bind(
            host: options.host, port: options.port, isIPv6Only: options.isIPv6Only, count: workerCount,
            endpoint: endpoint)
        }
      definitions.ports.append(bound)
      if let tls = endpoint.tls { definitions.tlsListeners.append(tls) }
      if let file = bound.file { definitions.socketFiles.append(file) }
      return bound.port
    }
  }

  private func makeTLS(_ options: ListenOptions) throws(Status) -> TLSListener {
    let settings = TLSSettings(
      certificates: options.certificates, clientAuthoritiesFile: options.clientAuthoritiesFile,
      clientCertificate: options.clientCertificate)
    do {
      return try TLSListener(settings)
    } catch {
      throw refused(.tls, "TLS cannot be set up: \(error.reason)")
    }
  }

  /// Reads the files of all TLS listeners again: all of them or none. Connections that are open keep what they have.
  /// Any thread, before or after the start.
  public func reloadCertificates() -> Status {
    guard !EngineTable.isForked else { return .forked }
    // Under the lock, so that of two reloads the later one has the later files.
    return building.withLock { definitions in
      do throws(TLSFault) {
        var contexts: [TLSContext] = []
        for listener in definitions.tlsListeners { contexts.append(try TLSContext(listener.settings)) }
        for (listener, context) in zip(definitions.tlsListeners, contexts) { listener.context = context }
        return .ok
      } catch {
        return refused(.tls, "the certificates stay as they were: \(error.reason)")
      }
    }
  }

  /// Closes what was bound and never started.
  func closePorts() {
    building.withLock { definitions in
      for port in definitions.ports { port.close() }
      definitions.ports = []
    }
    removeSocketFiles()
  }

  /// For when no worker accepts any more.
  func removeSocketFiles() {
    building.withLock { definitions in
      for file in definitions.socketFiles { file.remove() }
      definitions.socketFiles = []
    }
  }
}
