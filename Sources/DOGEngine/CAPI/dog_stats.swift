import CDOG

@c @implementation
public func dog_gateway_stats(
  _ gateway: dog_gateway_t, _ stats: UnsafeMutablePointer<dog_gateway_stats_t>?
) -> dog_status_t {
  outcome {
    let now = try GatewayHandle(rawValue: gateway).stats()
    var filled = dog_gateway_stats_t()
    filled.shards = UInt64(clamping: now.shards)
    filled.connections = UInt64(clamping: now.connections)
    try filled.write(to: stats, size: dog_gateway_stats_t.size(of: stats))
    return .ok
  }
}

@c @implementation
public func dog_engine_stats(_ engine: OpaquePointer?, _ stats: UnsafeMutablePointer<dog_stats_t>?) -> dog_status_t {
  outcome {
    let now = try Engine.find(engine).stats
    var filled = dog_stats_t()
    filled.connections = UInt64(clamping: now.connections)
    filled.sockets = UInt64(clamping: now.sockets)
    filled.requests = UInt64(clamping: now.requests)
    filled.gateways = UInt64(clamping: now.gateways)
    filled.shards = UInt64(clamping: now.shards)
    filled.places = UInt64(clamping: now.places)
    filled.connections_total = UInt64(clamping: now.connectionsTotal)
    filled.requests_total = UInt64(clamping: now.requestsTotal)
    filled.messages_in = UInt64(clamping: now.messagesIn)
    filled.messages_out = UInt64(clamping: now.messagesOut)
    filled.bytes_in = UInt64(clamping: now.bytesIn)
    filled.bytes_out = UInt64(clamping: now.bytesOut)
    filled.dropped = UInt64(clamping: now.dropped)
    filled.refused = UInt64(clamping: now.refused)
    filled.rate_limited = UInt64(clamping: now.rateLimited)
    filled.events = UInt64(clamping: now.events)
    try filled.write(to: stats, size: dog_stats_t.size(of: stats))
    return .ok
  }
}

extension dog_gateway_stats_t: HostStruct {}
extension dog_stats_t: HostStruct {}
