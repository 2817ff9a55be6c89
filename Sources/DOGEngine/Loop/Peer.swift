/// Who is at the other end of a connection, as far as it is known once the connection may be used. Immutable: it goes
/// with the connection from worker to worker, and requests keep its text.
final class Peer: Sendable {
  /// "127.0.0.1:51234", "[::1]:51234"; "unix:" for a peer on a Unix-domain socket.
  let text: String
  /// The numeric address: the client's where a PROXY header told it. Nil on a Unix-domain socket that had none.
  let address: SocketAddress?
  /// The subject of the client's certificate (RFC 2253), which was verified. Nil without one.
  let certificateSubject: String?

  init(address: SocketAddress?, certificateSubject: String? = nil) {
    text = address?.description ?? "unix:"
    self.address = address
    self.certificateSubject = certificateSubject
  }

  /// The same peer, of whom more is known.
  func with(certificateSubject: String) -> Peer { Peer(address: address, certificateSubject: certificateSubject) }
}
