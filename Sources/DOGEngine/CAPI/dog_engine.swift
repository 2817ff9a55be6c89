import CDOG

@c @implementation
public func dog_engine_create(
  _ options: UnsafePointer<dog_options_t>?, _ engine: UnsafeMutablePointer<OpaquePointer?>?
) -> dog_status_t {
  explained {
    let result = try required(engine)
    let chosen = options == nil ? Options() : try Options(dog_options_t(reading: options))
    result.pointee = try Engine.make(chosen).reference
    return .ok
  }
}

@c @implementation
public func dog_engine_listen(
  _ engine: OpaquePointer?, _ host: UnsafePointer<CChar>?, _ port: UInt16, _ bound_port: UnsafeMutablePointer<UInt16>?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    let bound = try engine.listen(host: host == nil ? "127.0.0.1" : address(host, as: "host"), port: port)
    bound_port?.pointee = bound
    return .ok
  }
}

@c @implementation
public func dog_engine_start(_ engine: OpaquePointer?) -> dog_status_t {
  explained {
    try Engine.find(engine).start()
    return .ok
  }
}

@c @implementation
public func dog_engine_run(_ engine: OpaquePointer?) -> dog_status_t {
  explained {
    try Engine.find(engine).run()
    return .ok
  }
}

@c @implementation
public func dog_last_reason(
  _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome { try give(Reason.bytes, text, length) }
}

@c @implementation
public func dog_engine_stop(_ engine: OpaquePointer?, _ grace_ms: UInt32) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    guard UInt64(grace_ms) <= Options.dayMs else { return .invalid }
    return engine.stop(graceMs: UInt64(grace_ms))
  }
}

@c @implementation
public func dog_engine_destroy(_ engine: OpaquePointer?) -> dog_status_t {
  outcome { try Engine.find(engine).destroy() }
}

extension Engine {
  /// The `dog_engine_t *` of this engine: its number and incarnation. It is odd, so that it is no object's address, and
  /// it is never dereferenced: an engine that is gone, or that never was, is not found by it.
  var reference: OpaquePointer? { OpaquePointer(bitPattern: incarnation << 9 | UInt(number) << 1 | 1) }

  static func find(_ reference: OpaquePointer?) throws(Status) -> Engine {
    guard let reference else { throw .invalid }
    let number = Int(UInt(bitPattern: reference) >> 1 & 0xff)
    guard let engine = EngineTable.find(number), engine.reference == reference else { throw .stale }
    return engine
  }
}
