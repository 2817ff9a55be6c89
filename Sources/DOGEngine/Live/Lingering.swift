/// A connection that is over except for the kernel. Our FIN is sent, and what the peer still sends is thrown away until
/// its own FIN, or until the wait is over. Closing with unread bytes would reset the connection, and the peer might
/// lose what we sent last.
///
/// It counts as a connection until its end, and a stop waits for it. Lives on its worker, which keeps it.
final class Lingering: StreamOwner {
  private unowned let worker: Worker
  let stream: Stream
  private var wait: CloseWait
  private var handle = Handle.none

  private init(_ stream: Stream, on worker: Worker, wait: CloseWait) {
    self.stream = stream
    self.worker = worker
    self.wait = wait
  }

  /// Takes over a stream that has nothing left to write. `wait` is as it was begun for what was sent before.
  static func begin(_ stream: Stream, on worker: Worker, wait: CloseWait) {
    worker.assertHere()
    let lingering = Lingering(stream, on: worker, wait: wait)
    guard let handle = worker.tables.lingerings.insert(lingering, as: .lingering) else {
      // The caller sees that it is closed, and counts it out.
      return stream.close()
    }
    lingering.handle = handle
    stream.owner = lingering
    stream.readToEnd()
    stream.shutdown()
    stream.readStart()
    worker.remind(handle, at: wait.dueMs)
  }

  /// The stream is ready already.
  override func streamReady(_ peer: Peer) {}

  override func streamRead(_ bytes: UnsafeMutableRawBufferPointer) { worker.counters.add(.bytesIn, bytes.count) }

  override func streamEnded() { end(reset: false) }

  override func streamFailed(_ code: Int32) { end(reset: false) }

  override func streamBroken(_ reason: String) { end(reset: false) }

  override func streamWritten() {}

  func deadlineCame(_ now: UInt64) {
    switch wait.look(
      nowMs: now, delivered: stream.bytesDelivered, end: stream.bytesGiven, worker.engine.options.closeLimits)
    {
    case .wait: worker.remind(handle, at: wait.dueMs)
    case .close: end(reset: false)
    case .reset:
      worker.logPeer(.info, "\(stream.peer.text): reset, it does not read what it was sent")
      end(reset: true)
    }
  }

  /// The engine's grace is over: the kernel sends what it has without us.
  func abort() {
    stream.abandon()
    gone()
  }

  private func end(reset: Bool) {
    guard !stream.isClosed else { return }
    reset ? stream.reset() : stream.close()
    gone()
  }

  private func gone() {
    worker.connectionEnded()
    worker.keep(self)
    worker.tables.lingerings.remove(handle)
  }
}
