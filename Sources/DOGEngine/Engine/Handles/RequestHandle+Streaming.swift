// A streamed response; see dog_request_respond_begin, _write and _end. From any thread.
extension RequestHandle {
  /// To any question but `clusterize`: the head of a response whose body follows by `write`, until `end`. Both
  /// callbacks come on the worker that was asked: `onwritable` when there is room again after a write that was `full`,
  /// `onend` once and last.
  @discardableResult
  public func respondBegin(
    status: Int, headers: [HTTPHeader] = [], onwritable: (@Sendable (RequestHandle) -> Void)? = nil,
    onend: (@Sendable (RequestHandle, Status) -> Void)? = nil
  ) -> Status {
    respondBegin(status: status, headers: headers, ResponseStream.Listener(onwritable: onwritable, onend: onend))
  }

  func respondBegin(status: Int, headers: [HTTPHeader], _ listener: ResponseStream.Listener) -> Status {
    guard handle.kind?.isRequest == true, handle.kind != .clusterize else { return refusedKind }
    guard (200...599).contains(status), headers.allSatisfy({ ResponseEncoder.isValid($0) }) else {
      return fail(with: .invalid)
    }
    switch handle.reach(in: { $0.tickets }) {
    case .here(let ticket, let worker):
      guard worker.tickets.claim(handle) else { return .stale }
      return begin(ticket, on: worker, status, headers, listener)
    case .elsewhere(let worker, let engine):
      defer { withExtendedLifetime(engine) {} }
      guard worker.tickets.claim(handle), let ticket = worker.tickets.claimed(handle) else { return .stale }
      return begin(ticket, on: worker, status, headers, listener)
    case .failed(let status): return status
    }
  }

  private func begin(
    _ ticket: Ticket, on worker: Worker, _ status: Int, _ headers: [HTTPHeader], _ listener: ResponseStream.Listener
  ) -> Status {
    let stream = ResponseStream(ticket, home: worker, status: status, listener: listener)
    return worker.streams.add(stream) ? stream.begin(status: status, headers: headers) : .stale
  }

  /// The next part of the body: all of it, or `full` and nothing of it.
  @discardableResult
  public func write(_ bytes: UnsafeRawBufferPointer) -> Status { withStream { $0.write(bytes) } }

  @discardableResult
  public func write(_ text: String) -> Status {
    var text = text
    return text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// The body is whole.
  @discardableResult
  public func end() -> Status { withStream { $0.end() } }

  /// The body cannot be finished: the connection is reset, so that nobody takes what came for the whole.
  @discardableResult
  public func abort() -> Status { withStream { $0.abort() } }

  /// The ticket of a stream that is open, on its own worker.
  func findStreaming() throws(Status) -> Ticket? {
    let (stream, engine) = findStream()
    defer { withExtendedLifetime(engine) {} }
    guard let stream, stream.isOpen else { return nil }
    guard handle.workerHere != nil else { throw .wrongThread }
    return stream.ticket
  }

  private func withStream(_ act: (ResponseStream) -> Status) -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard handle.kind?.isRequest == true else { return handle.misfit }
    let (stream, engine) = findStream()
    defer { withExtendedLifetime(engine) {} }
    if let stream { return act(stream) }
    switch handle.reach(in: { $0.tickets }) {
    case .here, .elsewhere: return .wrongState
    case .failed(let status): return status
    }
  }

  /// The stream that it has begun, and the engine, which must outlive the call.
  private func findStream() -> (ResponseStream?, Engine?) {
    guard handle.kind?.isRequest == true else { return (nil, nil) }
    if let worker = handle.workerHere { return (worker.streams.find(handle), nil) }
    guard let (worker, engine) = handle.findWorker() else { return (nil, nil) }
    return (worker.streams.find(handle), engine)
  }
}
