/// What the host hears of one whisper, on the whisperer's worker: once, whatever happens to the whisper or the
/// whisperer.
struct WhisperOutcome: Sendable {
  private let whispered: @Sendable (Status, Int) -> Void

  init(_ whispered: @escaping @Sendable (Status, Int) -> Void) { self.whispered = whispered }

  /// It was queued to so many sockets.
  func tell(_ worker: Worker, _ count: Int, isCurrent: @escaping () -> Bool) {
    // Asked only when the host is called: the whisperer's end may be among the callouts before it.
    worker.callOut { [whispered] in whispered(isCurrent() ? .ok : .gone, count) }
  }

  /// It was queued to nobody, although the call had succeeded.
  var failed: @Sendable (Worker, Status) -> Void {
    { [whispered] worker, status in worker.callOut { whispered(status, 0) } }
  }
}
