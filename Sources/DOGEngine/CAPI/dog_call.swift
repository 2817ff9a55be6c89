import CDOG

@c @implementation
public func dog_shard_post(
  _ shard: dog_shard_t, _ call: dog_call_fn?, _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    let called = ShardHandle(rawValue: shard)
    return try called.post(hostCall(of: called.handle, call, user))
  }
}

@c @implementation
public func dog_shard_after(
  _ shard: dog_shard_t, _ delay_ms: UInt32, _ call: dog_call_fn?, _ user: UnsafeMutableRawPointer?,
  _ timer: UnsafeMutablePointer<dog_timer_t>?
) -> dog_status_t {
  outcome {
    let called = ShardHandle(rawValue: shard)
    // `timer` may be inside what `user` points to, which the host may free in `call`: so it is written before the call.
    try called.after(UInt64(delay_ms), hostCall(of: called.handle, call, user)) { timer?.pointee = $0.rawValue }
    return .ok
  }
}

@c @implementation
public func dog_timer_cancel(_ timer: dog_timer_t) -> dog_status_t {
  outcome { TimerHandle(rawValue: timer).cancel() }
}

/// What makes the call: the host's callback, or an event.
private func hostCall(
  of shard: Handle, _ call: dog_call_fn?, _ user: UnsafeMutableRawPointer?
) throws(Status) -> @Sendable (Status) -> Void {
  if shard.takesEvents {
    guard call == nil else { throw .invalid }
    return Outcomes.call(of: shard, HostPointer(user))
  }
  guard let call else { throw .invalid }
  let host = HostCall(call: call, user: user, shard: shard.rawValue)
  return { host.call(host.user, host.shard, dog_status_t(rawValue: $0.rawValue)) }
}

/// The host's callback for one call.
///
/// `@unchecked Sendable`: never changed; `user` is passed on and never dereferenced.
private struct HostCall: @unchecked Sendable {
  let call: dog_call_fn
  let user: UnsafeMutableRawPointer?
  let shard: dog_shard_t
}
