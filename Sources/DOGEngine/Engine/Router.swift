/// Where requests go by their path. Fixed when the engine starts, then read by all workers.
struct Router: Sendable {
  struct Route: Sendable {
    let pattern: RoutePattern
    let gatewayClass: Int
    /// The Gateway of a pattern without a parameter.
    let fixed: GatewayKey?

    init(pattern: RoutePattern, gatewayClass: Int, name: Name?) {
      self.pattern = pattern
      self.gatewayClass = gatewayClass
      fixed = name.map { GatewayKey(gatewayClass: gatewayClass, name: $0) }
    }
  }

  var routes: [Route] = []

  /// The Gateway that the first matching route names.
  func match(_ path: UnsafeRawBufferPointer) -> GatewayKey? {
    // By index: a copy of a route counts references.
    for index in routes.indices {
      guard let match = routes[index].pattern.match(path: path) else { continue }
      if let name = match.parameter { return GatewayKey(gatewayClass: routes[index].gatewayClass, name: name) }
      if let fixed = routes[index].fixed { return fixed }
    }
    return nil
  }
}

/// What names a Gateway within an engine.
struct GatewayKey: Hashable, Sendable {
  let gatewayClass: Int
  let name: Name
  /// Keyed by the process, so that nobody outside can choose names which collide.
  let hash: UInt64

  init(gatewayClass: Int, name: Name) {
    self.gatewayClass = gatewayClass
    self.name = name
    let ofName = name.bytes.withUnsafeBytes { KeyedHash.shared.hash($0) }
    hash = (ofName ^ UInt64(truncatingIfNeeded: gatewayClass)) &* 0x9e37_79b9_7f4a_7c15
  }

  @inline(__always)
  static func == (one: GatewayKey, other: GatewayKey) -> Bool {
    one.hash == other.hash && one.gatewayClass == other.gatewayClass && one.name == other.name
  }

  func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
