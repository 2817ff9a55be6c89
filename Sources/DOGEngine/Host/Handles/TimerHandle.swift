extension TimerHandle {
  /// Has the call made soon, with `cancelled`, and not when its time comes. `stale`: it was made, or cancelled. Any
  /// thread.
  @discardableResult
  public func cancel() -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard handle.kind == .timer else { return handle.misfit }
    if let worker = handle.workerHere { return worker.cancelCall(handle) }
    guard let (worker, engine) = handle.findWorker() else { return .stale }
    defer { withExtendedLifetime(engine) {} }
    return worker.cancelCall(handle)
  }
}
