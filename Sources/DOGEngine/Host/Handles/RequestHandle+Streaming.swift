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
    respondBegin(
      status: status, lines: headers.validLines, ResponseStream.Listener(onwritable: onwritable, onend: onend))
  }

  /// `lines` are those of the headers; nil: the host may not send one of them.
  func respondBegin(status: Int, lines: [UInt8]?, _ listener: ResponseStream.Listener) -> Status {
    guard handle.kind?.isRequest == true, handle.kind != .clusterize else { return refusedKind }
    guard (200...599).contains(status), let lines else { return fail(with: .invalid) }
    do throws(Status) {
      let claim = try handle.claim { $0.tables.tickets }
      let stream = ResponseStream(claim.object, home: claim.worker, status: status, listener: listener)
      guard claim.worker.tables.streams.add(stream) else { return .stale }
      // The stream has begun, and its end is told even if this letter is lost: an engine that ends concludes the
      // streams in the table.
      stream.begin(status: status, lines: lines)
      return .ok
    } catch {
      return error
    }
  }

  /// The next part of the body: all of it, or `full` and nothing of it.
  @discardableResult
  public func write(_ bytes: UnsafeRawBufferPointer) -> Status { handle.onStream { $0.write(bytes) } }

  @discardableResult
  public func write(_ text: String) -> Status { text.withBytes { write($0) } }

  /// The body is whole.
  @discardableResult
  public func end() -> Status { handle.onStream { $0.end() } }

  /// The body cannot be finished: the connection is reset, so that nobody takes what came for the whole.
  @discardableResult
  public func abort() -> Status { handle.onStream { $0.abort() } }

  /// The ticket of a stream that is open, on its own worker.
  func findStreaming() throws(Status) -> Ticket? {
    let (stream, engine) = handle.findStream()
    defer { withExtendedLifetime(engine) {} }
    guard let stream, stream.isOpen else { return nil }
    guard handle.workerHere != nil else { throw .wrongThread }
    return stream.ticket
  }
}
