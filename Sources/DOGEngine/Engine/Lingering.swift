/// A connection that is over for everybody but the kernel: our FIN is sent, and what the peer still sends is thrown
/// away until its own FIN, or the deadline, which resets it. To close with bytes unread would reset it at once, and the
/// peer might lose what we sent last.
///
/// It counts as a connection until its end, and a stop waits for it. Lives on its worker, which keeps it.
final class Lingering: StreamOwner {
  private unowned let worker: Worker
  private let stream: Stream
  private let deadline: UInt64
  private var handle = Handle.none

  private init(_ stream: Stream, on worker: Worker, deadline: UInt64) {
    self.stream = stream
    self.worker = worker
    self.deadline = deadline
  }

  /// Takes over a stream that has nothing left to write.
  static func begin(_ stream: Stream, on worker: Worker, deadline: UInt64) {
    worker.assertHere()
    let lingering = Lingering(stream, on: worker, deadline: deadline)
    guard let handle = worker.lingerings.insert(lingering, as: .lingering) else {
      stream.close()
      return worker.connectionEnded()
    }
    lingering.handle = handle
    stream.owner = lingering
    stream.readToEnd()
    stream.shutdown()
    stream.readStart()
    worker.remind(handle, at: deadline)
  }

  /// Its stream was long ready.
  func streamReady(_ peer: Peer) {}

  func streamRead(_ bytes: UnsafeMutableRawBufferPointer) { worker.counters.add(.bytesIn, bytes.count) }

  func streamEnded() { end(reset: false) }

  func streamFailed(_ code: Int32) { end(reset: false) }

  func streamBroken(_ reason: String) { end(reset: false) }

  func streamWritten() {}

  func deadlineCame() { end(reset: true) }

  /// The engine's grace is over.
  func abort() { end(reset: true) }

  private func end(reset: Bool) {
    guard !stream.isClosed else { return }
    reset ? stream.reset() : stream.close()
    worker.connectionEnded()
    worker.lingerings.remove(handle)
  }
}
