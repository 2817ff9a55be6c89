import CUV
import Glibc

/// Looks for the ends of streams that nobody reads: a FIN or a reset would else be heard only when reading begins
/// again, which may be never.
///
/// DESIGN. libuv watches a descriptor only as long as it reads or writes, and a second epoll would cost two system
/// calls each time reading stops and begins, which backpressure does all the time. So the descriptors are asked with
/// poll(2), once a period. A stream that reads again before that costs an append and a swap. A turn asks one batch; if
/// a period has no time for all batches, each waits longer. Lives on its loop's thread.
final class EndWatch {
  private static let periodMs: UInt64 = 1000
  private static let batchMax = 256
  /// Between two batches, at least.
  private static let pauseMs: UInt64 = 10
  /// POLLRDHUP of poll(2), which only _GNU_SOURCE declares.
  private static let peerEnded: Int16 = 0x2000

  private let timer: UnsafeMutablePointer<uv_timer_t>
  /// Each at its `watchedPlace`.
  private var streams: [Stream] = []
  /// Where the next batch begins.
  private var next = 0
  private var asked: [pollfd] = []
  private var isClosed = false

  init(on loop: UnsafeMutablePointer<uv_loop_t>) {
    timer = .allocate(capacity: 1)
    uv_timer_init(loop, timer)
    timer.pointee.data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { timer.deallocate() }

  /// The loop ends.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    uv_close(cuv_handle(timer), nil)
  }

  func add(_ stream: Stream) {
    guard stream.watchedPlace < 0, !isClosed else { return }
    stream.watchedPlace = Int32(truncatingIfNeeded: streams.count)
    streams.append(stream)
    if streams.count == 1 { start(after: EndWatch.periodMs) }
  }

  func remove(_ stream: Stream) {
    let place = Int(stream.watchedPlace)
    guard place >= 0, let last = streams.popLast() else { return }
    if last !== stream {
      streams[place] = last
      last.watchedPlace = stream.watchedPlace
    }
    stream.watchedPlace = -1
  }

  private func start(after ms: UInt64) {
    uv_timer_start(
      timer,
      { timer in
        guard let data = timer?.pointee.data else { return }
        Unmanaged<EndWatch>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.look() }
      }, ms, 0)
  }

  private func look() {
    if next >= streams.count { next = 0 }
    let batch = next..<min(next + EndWatch.batchMax, streams.count)
    next = batch.upperBound
    // `hungUp` may change the list.
    for (stream, isLost) in ended(of: streams[batch]) where stream.watchedPlace >= 0 {
      stream.hungUp(isLost: isLost)
    }
    guard !streams.isEmpty, !isClosed else { return }
    let batches = UInt64(streams.count / EndWatch.batchMax + 1)
    start(after: max(EndWatch.periodMs / batches, EndWatch.pauseMs))
  }

  private func ended(of batch: ArraySlice<Stream>) -> [(stream: Stream, isLost: Bool)] {
    asked.removeAll(keepingCapacity: true)
    for stream in batch {
      // Errors are always told. A FIN that is known already is not asked for again.
      let events = stream.knowsEnd ? 0 : EndWatch.peerEnded
      asked.append(pollfd(fd: stream.descriptor ?? -1, events: events, revents: 0))
    }
    guard poll(&asked, nfds_t(asked.count), 0) > 0 else { return [] }
    var ended: [(Stream, Bool)] = []
    for (stream, answer) in zip(batch, asked) where answer.revents != 0 {
      ended.append((stream, Int32(answer.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0))
    }
    return ended
  }
}
