// What a host implements: the callbacks of a class in Swift. The C API is one adopter of these protocols.

/// The host's side of one Gateway: made when its cluster begins, on the Gateway's worker, and called there, never twice
/// at the same time.
public protocol Gateway: AnyObject {
  /// Who is this? Answer with `request.identify`, or refuse with `request.respond`: now or later, from any thread. If
  /// this throws before it has answered, the answer is 500.
  func identify(_ request: RequestHandle) throws
  /// All Shards are full: answer with `request.clusterize`. Called only if the class `clusterizes`.
  func clusterize(_ request: RequestHandle) throws
  /// It ends: it has no Shard and nobody to remember, or the engine stops.
  func onretire()
}

extension Gateway {
  public func clusterize(_ request: RequestHandle) throws { throw Status.noHandler }
  public func onretire() {}
}

/// The host's side of one Shard: made on the Shard's worker before its first request, and called there, never twice at
/// the same time.
public protocol Shard: AnyObject {
  /// It begins; called before anything else. If this throws, the Shard ends: requests that wait for it get 500, and
  /// `onstop` is still called. If the class `startsLater`, the Shard has started once `started` of its handle was
  /// called.
  func onstart() throws
  /// A request was placed here: answer with `request.respond` or `request.connect`, now or later, from any thread.
  func receive(_ request: RequestHandle) throws
  func onopen(_ socket: SocketHandle) throws
  func onmessage(_ socket: SocketHandle, _ message: Message) throws
  func onclose(_ socket: SocketHandle, _ close: Close)
  func onerror(_ socket: SocketHandle, _ error: Status)
  func ondrain(_ socket: SocketHandle, dropped: Int)
  /// A sibling asks: answer with `gossip.reply` or `gossip.fail`. Throwing fails it; `Status.noHandler` says that this
  /// class does not gossip.
  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws
  func onstop()
}

extension Shard {
  public func onstart() throws {}
  public func onopen(_ socket: SocketHandle) throws {}
  public func onmessage(_ socket: SocketHandle, _ message: Message) throws {}
  public func onclose(_ socket: SocketHandle, _ close: Close) {}
  public func onerror(_ socket: SocketHandle, _ error: Status) {}
  public func ondrain(_ socket: SocketHandle, dropped: Int) {}
  public func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws { throw Status.noHandler }
  public func onstop() {}
}

/// A message from a client; the bytes are borrowed for the callback that got them.
public struct Message {
  public let kind: MessageKind
  public let bytes: UnsafeRawBufferPointer

  /// A copy as text; for a text message exact.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// How a socket ended: RFC 6455, section 7.1.5 and following.
public struct Close: Sendable {
  public let code: UInt16
  public let reason: String
  /// True if both sides' close frames were sent.
  public let isClean: Bool
}

/// A Gateway class: how its clusters are made.
public struct GatewayClass: Sendable {
  static let stickySecondsDefault = 300
  static let stickyMaxDefault = 65_536
  static let idleSecondsDefault = 60

  public var name: String
  /// The Shard class that it places onto.
  public var child: String
  /// Connections that a Shard may hold, 1 to 1,000,000.
  public var limit: Int
  public var stickySeconds = GatewayClass.stickySecondsDefault
  public var stickyMax = GatewayClass.stickyMaxDefault
  public var idleSeconds = GatewayClass.idleSecondsDefault
  public var placement = PlacementPolicy.leastUtilised
  /// True if the host names new Shards; else each gets a random id.
  public var clusterizes = false
  /// Connections that one cluster holds; 0 for any number.
  public var connectionsMax = 0
  /// The engine keeps it, so it must not hold the engine.
  public var make: @Sendable (GatewayHandle) -> any Gateway

  public init(
    name: String, child: String, limit: Int, make: @escaping @Sendable (GatewayHandle) -> any Gateway
  ) {
    self.name = name
    self.child = child
    self.limit = limit
    self.make = make
  }

  /// What is wrong with it, by dog.h's name of the member; nil if all is well.
  var fault: String? {
    if let fault = Name.fault(of: name, as: "name") ?? Name.fault(of: child, as: "child") { return fault }
    let members: [(String, Int, ClosedRange<Int>)] = [
      ("limit", limit, 1...1_000_000),
      ("sticky_seconds", stickySeconds, 0...604_800),
      ("sticky_max", stickyMax, 0...4_000_000),
      ("idle_seconds", idleSeconds, 0...604_800),
      ("connections_max", connectionsMax, 0...Int(UInt32.max)),
    ]
    for (name, value, range) in members where !range.contains(value) {
      return "\(name) is \(value), not \(range.lowerBound) to \(range.upperBound)"
    }
    return nil
  }
}

/// A Shard class.
public struct ShardClass: Sendable {
  public var name: String
  /// The Gateway class whose `child` this is.
  public var parent: String
  /// The origins whose pages may open sockets; nil for any.
  public var origins: [String]?
  /// The same, parsed when the class is defined.
  var originList: OriginList?
  /// True: a Shard has started when its host says so (`ShardHandle.started`). False: when `onstart` has returned.
  public var startsLater = false
  /// permessage-deflate, if a client offers it; nil for never.
  public var deflate: DeflateSettings?
  /// The engine keeps it, so it must not hold the engine.
  public var make: @Sendable (ShardHandle) -> any Shard

  public init(name: String, parent: String, make: @escaping @Sendable (ShardHandle) -> any Shard) {
    self.name = name
    self.parent = parent
    self.make = make
  }

  /// What is wrong with it, by dog.h's name of the member; nil if all is well.
  var fault: String? {
    Name.fault(of: name, as: "name") ?? Name.fault(of: parent, as: "parent") ?? deflate?.fault
  }
}
