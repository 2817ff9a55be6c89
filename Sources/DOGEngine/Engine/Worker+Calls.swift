// Calls that the host asks for on this worker: now (by a letter) or after a delay (by a reminder in the wheel).
extension Worker {
  /// Calls `act` in a turn of this worker's loop. Any thread; the engine must outlive this call.
  func post(_ act: @escaping @Sendable (Status) -> Void, for shard: Handle) -> Status {
    do throws(Status) {
      let handle = try addCall(act, for: shard, isTimer: false) { _ in }
      return deliver(handle) { $0.call(handle) }
    } catch {
      return error
    }
  }

  /// Calls `act` when a delay is over. `named` is given the handle before that. Any thread; the engine must outlive
  /// this call.
  func postpone(
    _ act: @escaping @Sendable (Status) -> Void, for shard: Handle, by delayMs: UInt64, named: (Handle) -> Void
  ) throws(Status) {
    guard delayMs <= Options.dayMs else { throw .invalid }
    // The clock counts whole milliseconds, and the present one has begun.
    let deadline = Worker.preciseNow + 1 + delayMs
    let handle = try addCall(act, for: shard, isTimer: true, named: named)
    if isHere {
      remindOfCall(handle, at: deadline)
    } else {
      let status = deliver(handle) { $0.remindOfCall(handle, at: deadline) }
      guard status.isOK else { throw status }
    }
  }

  /// Any thread; the engine must outlive this call.
  func cancelCall(_ handle: Handle) -> Status {
    guard tables.calls.withLock({ $0.cancel(handle) }) else { return .stale }
    // If the letter is lost, the Shard has ended, and the call with it.
    if isHere { call(handle) } else { post { $0.call(handle) } }
    return .ok
  }

  private func addCall(
    _ act: @escaping @Sendable (Status) -> Void, for shard: Handle, isTimer: Bool, named: (Handle) -> Void
  ) throws(Status) -> Handle {
    try tables.calls.withLock { calls throws(Status) in
      // Under the lock: a Shard's calls end before its handle does.
      guard tables.shards.isCurrent(shard) else { throw .stale }
      let handle = try calls.add(act, for: shard, isTimer: isTimer)
      // Under the lock too: code that makes the call takes it first.
      named(handle)
      return handle
    }
  }

  /// Sends a letter about a call; if that fails, the call is withdrawn.
  private func deliver(_ handle: Handle, _ letter: @escaping @Sendable (Worker) -> Void) -> Status {
    let status = postPayload(bytes: 0, letter)
    guard !status.isOK else { return .ok }
    // If it is gone, its Shard has ended meanwhile, and the call was made.
    return tables.calls.withLock { $0.take(handle) } == nil ? .ok : status
  }

  /// It is due, or cancelled.
  func call(_ handle: Handle) {
    assertHere()
    guard let call = tables.calls.withLock({ $0.take(handle) }) else { return }
    if let reminder = call.reminder { forgetReminder(reminder, of: handle) }
    callOut { call.act(call.outcome) }
  }

  private func remindOfCall(_ handle: Handle, at deadline: UInt64) {
    assertHere()
    guard tables.calls.withLock({ $0.isWaiting(handle) }) else { return }
    // Only this worker takes it, cancelled or not.
    let reminder = makeReminder(handle, at: deadline)
    tables.calls.withLock { $0.setReminder(reminder, of: handle) }
  }

  /// The Shard ends: its calls are made now, before its onstop.
  func endCalls(of shard: Handle) {
    for call in tables.calls.withLock({ $0.end(shard) }) {
      if let reminder = call.reminder { forgetReminder(reminder, of: call.handle) }
      callOut { call.act(call.outcome.isOK ? .gone : call.outcome) }
    }
  }
}
