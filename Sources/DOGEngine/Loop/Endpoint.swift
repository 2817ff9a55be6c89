/// What the connections of one listener have in common.
struct Endpoint: Sendable {
  /// Nil: no TLS.
  var tls: TLSListener?
  /// A PROXY header comes first.
  var expectsProxyHeader = false
  /// It is a Unix-domain socket: its peers have no address.
  var isUnix = false
}
