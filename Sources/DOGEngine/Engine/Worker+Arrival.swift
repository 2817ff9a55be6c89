import Synchronization

// A connection's arrival: which client it is from, and whether it is let in.
extension Worker {
  func accepted(_ stream: Stream, from endpoint: Endpoint) {
    engine.connections.add(1, ordering: .sequentiallyConsistent)
    let admitted = engine.admittedConnections.add(1, ordering: .sequentiallyConsistent).newValue
    counters.add(.connectionsTotal)
    let connection = HTTPConnection(stream: stream, worker: self)
    guard !isDraining, let handle = tables.connections.insert(connection, as: .connection) else {
      logPeer(.info, "\(stream.peer.text): reset, \(isDraining ? "the engine stops" : "a worker holds no more")")
      stream.reset()
      return connectionEnded()
    }
    connection.take(handle)
    if endpoint.expectsProxyHeader {
      guard engine.trustedProxies.contains(stream.peer.client) else {
        return connection.breakOff("a PROXY header comes from trusted_proxies alone")
      }
      stream.preface = proxyHeader(of: connection, stream)
    }
    if admitted > engine.options.connectionsMax {
      connection.refuseConnection("the engine has connections_max connections")
    } else if let overload = overload() {
      connection.refuseConnection(overload)
    } else if !endpoint.expectsProxyHeader {
      enter(connection, stream)
    }
    connection.open()
  }

  /// A connection is not let in. It stays open until it has its 503.
  func connectionRefused() { engine.admittedConnections.subtract(1, ordering: .sequentiallyConsistent) }

  /// A TCP connection is over, whether it was HTTP or a WebSocket.
  func connectionEnded(wasRefused: Bool = false) {
    if !wasRefused { engine.admittedConnections.subtract(1, ordering: .sequentiallyConsistent) }
    let open = engine.connections.subtract(1, ordering: .sequentiallyConsistent).newValue
    if open == 0, isDraining { engine.workers[0].post { $0.advanceStop(acknowledging: 0) } }
  }

  /// Returns the closure that reads the header which a trusted proxy sends first.
  private func proxyHeader(
    of connection: HTTPConnection, _ stream: Stream
  ) -> (inout UnsafeMutableRawBufferPointer) -> PrefaceProgress {
    var header = ProxyHeader()
    return { [unowned self, unowned connection, unowned stream] bytes in
      var input = UnsafeRawBufferPointer(bytes)
      let step = header.next(&input)
      bytes = UnsafeMutableRawBufferPointer(rebasing: bytes[(bytes.count - input.count)...])
      switch step {
      case .needMore: return .needMore
      case .invalid(let reason): return .invalid("\(reason)")
      case .done(let client):
        guard let client else { return .done(nil) }
        stream.speaks(for: client)
        // If that closes the connection without an answer, nobody reads what follows.
        enter(connection, stream)
        return .done(nil)
      }
    }
  }

  /// Counts a connection for its client's address.
  private func enter(_ connection: HTTPConnection, _ stream: Stream) {
    guard let counts = engine.addressCounts, case .ip(let address, _) = stream.peer.client, !connection.isRefused,
      !engine.trustedProxies.contains(address)
    else { return }
    guard let place = counts.enter(address) else {
      connection.refuseConnection("its address has connections_per_address_max connections")
      return
    }
    stream.place = place
  }
}
