import CDOG

@c @implementation
public func dog_socket_uid(
  _ socket: dog_socket_t, _ uid: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let found = SocketHandle(rawValue: socket)
    return try lend(found.look().uid.bytes, of: found.handle, uid, length)
  }
}

@c @implementation
public func dog_socket_shard(
  _ socket: dog_socket_t, _ shard: UnsafeMutablePointer<dog_shard_t>?
) -> dog_status_t {
  outcome {
    let found = try SocketHandle(rawValue: socket).look()
    try required(shard).pointee = found.shard.rawValue
    return .ok
  }
}

@c @implementation
public func dog_socket_buffered(_ socket: dog_socket_t, _ bytes: UnsafeMutablePointer<Int>?) -> dog_status_t {
  outcome {
    let found = try SocketHandle(rawValue: socket).find()
    try required(bytes).pointee = found.outbox.bytes
    return .ok
  }
}

@c @implementation
public func dog_socket_set_data(_ socket: dog_socket_t, _ data: UnsafeMutableRawPointer?) -> dog_status_t {
  outcome {
    try SocketHandle(rawValue: socket).setData(data)
    return .ok
  }
}

@c @implementation
public func dog_socket_data(
  _ socket: dog_socket_t, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> dog_status_t {
  outcome {
    let found = try SocketHandle(rawValue: socket).look()
    try required(data).pointee = found.data
    return .ok
  }
}

@c @implementation
public func dog_socket_send(
  _ socket: dog_socket_t, _ kind: dog_kind_t, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome { try SocketHandle(rawValue: socket).send(MessageKind(kind), bytes(data, length)) }
}

@c @implementation
public func dog_socket_close(
  _ socket: dog_socket_t, _ code: UInt16, _ reason: UnsafePointer<CChar>?, _ reason_length: Int
) -> dog_status_t {
  outcome { try SocketHandle(rawValue: socket).close(code: code, reason: bytes(reason, reason_length)) }
}

@c @implementation
public func dog_socket_emit(
  _ socket: dog_socket_t, _ kind: dog_kind_t, _ flags: UInt32, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome {
    try SocketHandle(rawValue: socket).emit(MessageKind(kind), bytes(data, length), toSelf: toSelf(flags))
  }
}

@c @implementation
public func dog_socket_broadcast(
  _ socket: dog_socket_t, _ kind: dog_kind_t, _ flags: UInt32, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome {
    try SocketHandle(rawValue: socket).broadcast(MessageKind(kind), bytes(data, length), toSelf: toSelf(flags))
  }
}

@c @implementation
public func dog_socket_whisper(
  _ socket: dog_socket_t, _ uid: UnsafePointer<CChar>?, _ uid_length: Int, _ kind: dog_kind_t,
  _ data: UnsafeRawPointer?, _ length: Int, _ whispered: dog_whispered_fn?, _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    let sender = SocketHandle(rawValue: socket)
    return try sender.whisper(
      name(uid, uid_length), MessageKind(kind), bytes(data, length),
      whispered: hostWhispered(by: sender.handle, whispered, user))
  }
}

/// The flags of emit and broadcast. A flag that this library does not know is refused, because it cannot be honoured.
private func toSelf(_ flags: UInt32) throws(Status) -> Bool {
  let toSelf = UInt32(DOG_TO_SELF)
  guard flags & ~toSelf == 0 else { throw .invalid }
  return flags & toSelf != 0
}

/// Returns what tells the host the outcome of a whisper; nil if it does not ask.
func hostWhispered(
  by whisperer: Handle, _ whispered: dog_whispered_fn?, _ user: UnsafeMutableRawPointer?
) throws(Status) -> (@Sendable (Status, Int) -> Void)? {
  if whisperer.takesEvents {
    guard whispered == nil else { throw .invalid }
    return user == nil ? nil : Outcomes.whispered(by: whisperer, HostPointer(user))
  }
  guard let whispered else { return nil }
  let host = HostWhispered(whispered: whispered, user: user)
  return { host.whispered(host.user, dog_status_t(rawValue: $0.rawValue), $1) }
}

/// The host's callback for one whisper.
///
/// `@unchecked Sendable`: never changed; `user` is passed on and never dereferenced.
private struct HostWhispered: @unchecked Sendable {
  let whispered: dog_whispered_fn
  let user: UnsafeMutableRawPointer?
}
