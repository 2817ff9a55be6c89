/// The owner of a stream, which reads from it and writes to it. Called on the loop's thread.
///
/// It is a class and no protocol: only a class can be called through a reference that is not counted (`Stream.owner`).
class StreamOwner {
  /// The connection may be used: the preface and the TLS handshake are over. Called once, before all else but an end;
  /// inside `Stream.begin` if there was neither.
  func streamReady(_ peer: Peer) { mustOverride() }
  /// Bytes came. The buffer is the loop's: it may be changed in place and is gone when this returns.
  func streamRead(_ bytes: UnsafeMutableRawBufferPointer) { mustOverride() }
  /// The peer has sent its last byte.
  func streamEnded() { mustOverride() }
  /// The connection is lost (a negative libuv code); nothing more comes, the owner closes the stream.
  func streamFailed(_ code: Int32) { mustOverride() }
  /// The peer broke the preface or TLS, in words for the log; nothing more comes, the owner closes the stream.
  func streamBroken(_ reason: String) { mustOverride() }
  /// It is read from again after it had to wait: for its turn or, if there is a `heldSince`, because the loop held.
  /// What the peer has done since then is heard only now.
  func streamGoesOn(heldSince: UInt64?) {}
  /// The peer has ended its side, or (`isLost`) the connection is lost, while nothing is read from it: what came before
  /// is still unread. Told within a second or so, again and again if it is lost.
  func streamHangsUp(isLost: Bool) {}
  /// What `write` was given, or `tryWrite` kept to itself, has gone to the kernel.
  func streamWritten() { mustOverride() }

  private func mustOverride(_ function: StaticString = #function) -> Never {
    preconditionFailure("\(type(of: self)) reads from a stream without \(function)")
  }
}

/// What came of bytes that a stream's preface was shown.
enum PrefaceProgress {
  /// The preface has taken all of them and needs more.
  case needMore
  /// It is over, and has left in its input what follows it. An address is the client's, if the peer speaks for one.
  case done(ClientAddress?)
  /// The connection is not to be used, in words for the log.
  case invalid(String)
}
