/// Who reads from a stream and writes to it. Called on the loop's thread.
protocol StreamOwner: AnyObject {
  /// The connection may be used: there is nothing to come before the owner's own bytes any more, neither a preface nor
  /// a TLS handshake. Once, before all else but an end; inside `Stream.begin` where nothing has to be awaited.
  func streamReady(_ peer: Peer)
  /// Bytes came. The buffer is the loop's: it may be changed in place and is gone when this returns.
  func streamRead(_ bytes: UnsafeMutableRawBufferPointer)
  /// The peer has sent its last byte.
  func streamEnded()
  /// The connection is lost (a negative libuv code); nothing more comes, the owner closes the stream.
  func streamFailed(_ code: Int32)
  /// The peer broke the preface or TLS, in words for the log; nothing more comes, the owner closes the stream.
  func streamBroken(_ reason: String)
  /// It is read from again: what the peer has done since `heldSince` is only heard now.
  func streamGoesOn(heldSince: UInt64)
  /// What `write` was given, or `tryWrite` kept to itself, has gone to the kernel.
  func streamWritten()
}

extension StreamOwner {
  func streamGoesOn(heldSince: UInt64) {}
}

/// What came of bytes that a stream's preface was shown.
enum PrefaceProgress {
  /// The preface has taken all of them and needs more.
  case needMore
  /// It is over, and has left in its input what follows it. An address is that of the client in whose name the peer
  /// speaks.
  case done(ClientAddress?)
  /// The connection is not to be used, in words for the log.
  case invalid(String)
}
