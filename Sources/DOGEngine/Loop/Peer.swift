/// Who is at the other end of a connection, as far as it is known once the connection may be used. Immutable: it goes
/// with the connection from worker to worker, and requests keep its text.
final class Peer: Sendable {
  /// The client's address, if a PROXY header or a proxy's request told it; else the peer's.
  let client: ClientAddress
  /// The subject of the client's certificate (RFC 2253), which was verified. Nil without one.
  let certificateSubject: String?

  init(client: ClientAddress, certificateSubject: String? = nil) {
    self.client = client
    self.certificateSubject = certificateSubject
  }

  /// Of an accepted connection; nil on a Unix-domain socket.
  convenience init(address: SocketAddress?) { self.init(client: address.map { $0.client } ?? .unix) }

  /// "127.0.0.1:51234", "[::1]:51234"; "unix:" for a peer on a Unix-domain socket. Made when it is asked for.
  var text: String { client.description }

  /// The same peer, with more known about it.
  func with(certificateSubject: String) -> Peer { Peer(client: client, certificateSubject: certificateSubject) }
  func with(client: ClientAddress) -> Peer { Peer(client: client, certificateSubject: certificateSubject) }
}
