/// Where requests go by their path. Fixed when the engine starts, then read by all workers.
struct Router: Sendable {
  struct Route: Sendable {
    let pattern: RoutePattern
    let gatewayClass: Int
    /// The Gateway of a pattern without a parameter.
    let name: Name?
  }

  var routes: [Route] = []

  /// The Gateway that the first matching route names.
  func match(_ path: UnsafeRawBufferPointer) -> GatewayKey? {
    for route in routes {
      guard let match = route.pattern.match(path: path), let name = match.parameter ?? route.name else { continue }
      return GatewayKey(gatewayClass: route.gatewayClass, name: name)
    }
    return nil
  }
}

/// What names a Gateway within an engine.
struct GatewayKey: Hashable, Sendable {
  let gatewayClass: Int
  let name: Name
}
