// What a host holds of the engine's objects: values that find the object, or find that it is gone. What each can do is
// in Host/Handles.

/// What all of them are: the number that dog.h calls a handle.
public protocol HostHandle: RawRepresentable<UInt64>, Hashable, Sendable {
  init(rawValue: UInt64)
}

extension HostHandle {
  @inline(__always)
  init(_ handle: Handle) { self.init(rawValue: handle.rawValue) }

  @inline(__always)
  var handle: Handle { Handle(rawValue: rawValue) }
}

/// A Gateway. Methods that send may be called from any thread; see dog_gateway_* for what they return.
public struct GatewayHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A Shard. Methods that send or ask may be called from any thread; see dog_shard_* for what they return.
public struct ShardHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// An open WebSocket. Methods that send or close may be called from any thread; see dog_socket_* for what they return.
public struct SocketHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A request that waits for one answer. Answers may be given from any thread; see dog_request_* for what they return.
/// An answer that cannot be used becomes a 500, so that no client is left waiting.
public struct RequestHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A sibling's question that waits for one reply. Replies may be given from any thread; see dog_gossip_*.
public struct GossipHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A call that `ShardHandle.after` has put off. Stale once it was made.
public struct TimerHandle: HostHandle {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}
