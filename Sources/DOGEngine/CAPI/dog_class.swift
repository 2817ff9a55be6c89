import CDOG

@c @implementation
public func dog_gateway_class_init(
  _ gateway_class: UnsafeMutablePointer<dog_gateway_class_t>?, _ size: Int
) -> dog_status_t {
  outcome { try dog_gateway_class_t.make(gateway_class, size: size) }
}

@c @implementation
public func dog_shard_class_init(
  _ shard_class: UnsafeMutablePointer<dog_shard_class_t>?, _ size: Int
) -> dog_status_t {
  outcome { try dog_shard_class_t.make(shard_class, size: size) }
}

@c @implementation
public func dog_engine_define_gateway(
  _ engine: OpaquePointer?, _ gateway_class: UnsafePointer<dog_gateway_class_t>?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    let host = try dog_gateway_class_t(reading: gateway_class)
    var defined = GatewayClass(
      name: try text(host.name, as: "name"), child: try text(host.child, as: "child"), limit: Int(host.limit),
      make: try host.maker(takesEvents: engine.events != nil))
    defined.stickySeconds = Int(host.sticky_seconds)
    defined.stickyMax = Int(host.sticky_max)
    defined.idleSeconds = Int(host.idle_seconds)
    defined.placement = try host.placementPolicy()
    defined.connectionsMax = Int(host.connections_max)
    defined.clusterizes = host.clusterize != nil || host.clusterize_events == 1
    try engine.define(defined)
    return .ok
  }
}

@c @implementation
public func dog_engine_define_shard(
  _ engine: OpaquePointer?, _ shard_class: UnsafePointer<dog_shard_class_t>?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    let host = try dog_shard_class_t(reading: shard_class)
    var defined = ShardClass(
      name: try text(host.name, as: "name"), parent: try text(host.parent, as: "parent"),
      make: try host.maker(takesEvents: engine.events != nil))
    defined.startsLater = try flag(host.start_later, as: "start_later")
    defined.origins = try host.copiedOrigins()
    defined.deflate = try host.deflateSettings()
    try engine.define(defined)
    return .ok
  }
}

extension dog_gateway_class_t: HostStruct {
  /// The host has to choose the names; everything else has the defaults of the Swift API.
  static var defaults: dog_gateway_class_t {
    var filled = dog_gateway_class_t()
    filled.sticky_seconds = UInt32(clamping: GatewayClass.stickySecondsDefault)
    filled.sticky_max = UInt32(clamping: GatewayClass.stickyMaxDefault)
    filled.idle_seconds = UInt32(clamping: GatewayClass.idleSecondsDefault)
    filled.placement = DOG_PLACE_LEAST_UTILISED
    return filled
  }

  fileprivate func placementPolicy() throws(Status) -> PlacementPolicy {
    guard let policy = PlacementPolicy(rawValue: Int32(truncatingIfNeeded: placement.rawValue)) else { throw .invalid }
    return policy
  }

  /// Returns the closure that makes the host's side of a Gateway. Callbacks are for one delivery, the members about
  /// events for the other.
  fileprivate func maker(takesEvents: Bool) throws(Status) -> @Sendable (GatewayHandle) -> any Gateway {
    guard takesEvents else {
      guard let functions = GatewayFunctions(self) else { throw .invalid.because("identify is NULL") }
      guard clusterize_events == 0 else { throw .invalid.because("clusterize_events is for DOG_DELIVERY_EVENTS") }
      return { CGateway(functions, $0) }
    }
    guard identify == nil, clusterize == nil, onretire == nil else {
      throw .invalid.because("this engine delivers events: identify, clusterize and onretire must be NULL")
    }
    _ = try flag(clusterize_events, as: "clusterize_events")
    let user = HostPointer(user)
    return { EventGateway(user, $0) }
  }
}

extension dog_shard_class_t: HostStruct {
  static var defaults: dog_shard_class_t {
    let deflate = DeflateSettings()
    var filled = dog_shard_class_t()
    filled.deflate_level = UInt32(clamping: deflate.level)
    filled.deflate_window_bits = UInt32(clamping: deflate.windowBits)
    filled.deflate_client_window_bits = UInt32(clamping: deflate.clientWindowBits)
    filled.deflate_bytes_min = UInt32(clamping: deflate.bytesMin)
    return filled
  }

  fileprivate func maker(takesEvents: Bool) throws(Status) -> @Sendable (ShardHandle) -> any Shard {
    guard takesEvents else {
      guard let functions = ShardFunctions(self) else { throw .invalid.because("receive is NULL") }
      guard gossip_events == 0 else { throw .invalid.because("gossip_events is for DOG_DELIVERY_EVENTS") }
      guard start_later == 0 || onstart != nil else {
        throw .invalid.because("start_later is 1, and onstart NULL: nobody would answer")
      }
      return { CShard(functions, $0) }
    }
    guard hasNoCallback else {
      throw .invalid.because("this engine delivers events: every callback must be NULL")
    }
    let user = HostPointer(user)
    let takesGossip = try flag(gossip_events, as: "gossip_events")
    return { EventShard(user, $0, takesGossip: takesGossip) }
  }

  private var hasNoCallback: Bool {
    onstart == nil && receive == nil && onopen == nil && onmessage == nil && onclose == nil && onerror == nil
      && ondrain == nil && ongossip == nil && onstop == nil
  }

  private static var originsMax: Int { 1000 }

  fileprivate func copiedOrigins() throws(Status) -> [String]? {
    guard origins != nil || origin_count != 0 else { return nil }
    // A list that came out empty must not let everybody in.
    guard let origins, (1...Self.originsMax).contains(origin_count) else {
      throw .invalid.because("origin_count is \(origin_count), not 1 to \(Self.originsMax), or origins is NULL")
    }
    var copied: [String] = []
    for origin in UnsafeBufferPointer(start: origins, count: origin_count) {
      copied.append(try text(origin, as: "an entry of origins"))
    }
    return copied
  }

  fileprivate func deflateSettings() throws(Status) -> DeflateSettings? {
    let compresses = try flag(deflate, as: "deflate")
    var settings = DeflateSettings()
    settings.level = Int(deflate_level)
    settings.windowBits = Int(deflate_window_bits)
    settings.clientWindowBits = Int(deflate_client_window_bits)
    settings.keepsClientContext = try flag(deflate_client_context, as: "deflate_client_context")
    settings.bytesMin = Int(deflate_bytes_min)
    if let fault = settings.fault { throw .invalid.because(fault) }
    return compresses ? settings : nil
  }
}
