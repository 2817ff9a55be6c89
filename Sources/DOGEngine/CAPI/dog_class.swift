import CDOG

@c @implementation
public func dog_gateway_class_init(
  _ gateway_class: UnsafeMutablePointer<dog_gateway_class_t>?, _ size: Int
) -> dog_status_t {
  outcome {
    // The names are the host's to choose; what it need not choose has the defaults of the Swift face.
    let defaults = GatewayClass(name: "", child: "", limit: 0) { _ in preconditionFailure("a class without a host") }
    var filled = dog_gateway_class_t()
    filled.sticky_seconds = UInt32(clamping: defaults.stickySeconds)
    filled.sticky_max = UInt32(clamping: defaults.stickyMax)
    filled.idle_seconds = UInt32(clamping: defaults.idleSeconds)
    try filled.write(to: gateway_class, size: size)
    return .ok
  }
}

@c @implementation
public func dog_shard_class_init(
  _ shard_class: UnsafeMutablePointer<dog_shard_class_t>?, _ size: Int
) -> dog_status_t {
  outcome {
    try dog_shard_class_t().write(to: shard_class, size: size)
    return .ok
  }
}

@c @implementation
public func dog_engine_define_gateway(
  _ engine: OpaquePointer?, _ gateway_class: UnsafePointer<dog_gateway_class_t>?
) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    let host = try dog_gateway_class_t(reading: gateway_class)
    guard let functions = GatewayFunctions(host) else { return .invalid }
    var defined = GatewayClass(name: try text(host.name), child: try text(host.child), limit: Int(host.limit)) {
      CGateway(functions, $0)
    }
    defined.stickySeconds = Int(host.sticky_seconds)
    defined.stickyMax = Int(host.sticky_max)
    defined.idleSeconds = Int(host.idle_seconds)
    defined.clusterizes = functions.clusterize != nil
    try engine.define(defined)
    return .ok
  }
}

@c @implementation
public func dog_engine_define_shard(
  _ engine: OpaquePointer?, _ shard_class: UnsafePointer<dog_shard_class_t>?
) -> dog_status_t {
  outcome {
    let engine = try Engine.find(engine)
    let host = try dog_shard_class_t(reading: shard_class)
    guard let functions = ShardFunctions(host) else { return .invalid }
    let defined = ShardClass(name: try text(host.name), parent: try text(host.parent)) { CShard(functions, $0) }
    try engine.define(defined)
    return .ok
  }
}

extension dog_gateway_class_t: HostStruct {}
extension dog_shard_class_t: HostStruct {}
