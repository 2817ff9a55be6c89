import CDOG

@c @implementation
public func dog_gateway_find(
  _ engine: OpaquePointer?, _ gateway_class: UnsafePointer<CChar>?, _ class_length: Int, _ name: UnsafePointer<CChar>?,
  _ name_length: Int, _ gateway: UnsafeMutablePointer<dog_gateway_t>?
) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    let result = try required(gateway)
    guard let found = try engine.gateway(text(gateway_class, class_length), text(name, name_length)) else {
      return .notFound
    }
    result.pointee = found.rawValue
    return .ok
  }
}

@c @implementation
public func dog_gateway_name(
  _ gateway: dog_gateway_t, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let found = GatewayHandle(rawValue: gateway)
    return try lend(found.look().name.bytes, of: found.handle, name, length)
  }
}

@c @implementation
public func dog_gateway_set_data(_ gateway: dog_gateway_t, _ data: UnsafeMutableRawPointer?) -> dog_status_t {
  outcome {
    try GatewayHandle(rawValue: gateway).setData(data)
    return .ok
  }
}

@c @implementation
public func dog_gateway_data(
  _ gateway: dog_gateway_t, _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> dog_status_t {
  outcome {
    let found = try GatewayHandle(rawValue: gateway).look()
    try required(data).pointee = found.data
    return .ok
  }
}

@c @implementation
public func dog_gateway_broadcast(
  _ gateway: dog_gateway_t, _ kind: dog_kind_t, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome { try GatewayHandle(rawValue: gateway).broadcast(MessageKind(kind), bytes(data, length)) }
}

@c @implementation
public func dog_gateway_whisper(
  _ gateway: dog_gateway_t, _ uid: UnsafePointer<CChar>?, _ uid_length: Int, _ kind: dog_kind_t,
  _ data: UnsafeRawPointer?, _ length: Int, _ whispered: dog_whispered_fn?, _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  outcome {
    let sender = GatewayHandle(rawValue: gateway)
    return try sender.whisper(
      name(uid, uid_length), MessageKind(kind), bytes(data, length),
      whispered: hostWhispered(by: sender.handle, whispered, user))
  }
}
