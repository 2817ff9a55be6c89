import CUV
import Glibc

/// An open connection between two loops: a descriptor that closes itself if nobody adopts it.
///
/// `@unchecked Sendable`: it is sent once, from the loop that gave it up to the one that adopts it, and each uses it
/// alone.
final class DetachedConnection: @unchecked Sendable {
  private(set) var descriptor: Int32
  let peer: Peer
  let place: AddressCounts.Place?
  let tls: TLSSession?

  init(descriptor: Int32, peer: Peer, place: AddressCounts.Place? = nil, tls: TLSSession?) {
    self.descriptor = descriptor
    self.peer = peer
    self.place = place
    self.tls = tls
  }

  deinit {
    guard descriptor >= 0 else { return }
    // The peer is told, even if a forked child has a copy of the descriptor.
    _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
    Glibc.close(descriptor)
  }

  func wasAdopted() { descriptor = -1 }
}
