import CDOG

/// The callbacks of a Gateway class in C.
///
/// `@unchecked Sendable`: never changed; `user` is passed on and never dereferenced.
struct GatewayFunctions: @unchecked Sendable {
  let user: UnsafeMutableRawPointer?
  let identify: dog_identify_fn
  let clusterize: dog_clusterize_fn?
  let onretire: dog_retire_fn?

  /// Nil: a required one is missing.
  init?(_ host: dog_gateway_class_t) {
    guard let identify = host.identify else { return nil }
    user = host.user
    self.identify = identify
    clusterize = host.clusterize
    onretire = host.onretire
  }
}

/// A Gateway whose host is in C.
final class CGateway: Gateway {
  private let functions: GatewayFunctions
  private let gateway: dog_gateway_t

  init(_ functions: GatewayFunctions, _ gateway: GatewayHandle) {
    self.functions = functions
    self.gateway = gateway.rawValue
  }

  func identify(_ request: RequestHandle) throws {
    try functions.identify(functions.user, gateway, request.rawValue).check()
  }

  func clusterize(_ request: RequestHandle) throws {
    guard let clusterize = functions.clusterize else { throw Status.noHandler }
    try clusterize(functions.user, gateway, request.rawValue).check()
  }

  func onretire() { functions.onretire?(functions.user, gateway) }
}

extension dog_status_t {
  /// Throws what a callback returned, unless it is DOG_OK.
  @inline(__always)
  func check() throws(Status) {
    if self != DOG_OK { throw Status(self) }
  }
}
