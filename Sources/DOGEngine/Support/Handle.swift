/// The name of an object that lives on some worker: 64 bits that any language carries as an integer, 0 for none.
///
/// Layout, from the top: kind 4, engine 8, worker 6, slot 22, generation 24. A generation belongs to one use of a slot,
/// so a handle whose object is gone matches nothing.
struct Handle: Hashable, Sendable {
  enum Kind: UInt64 {
    case gateway = 1
    case shard = 2
    case socket = 3
    case gossip = 4
    /// A call that the host has put off.
    case timer = 13
    // A request, by the question that it puts to the host.
    case fetch = 5
    case identify = 6
    case clusterize = 7
    case receive = 8
    // Never given to the host: a request that waits for its Shard to come, a connection, a Shard's question to its
    // siblings, and a connection that only waits for its peer's end.
    case waiting = 9
    case connection = 10
    case gossipRound = 11
    case lingering = 12

    var isRequest: Bool { (Kind.fetch.rawValue...Kind.receive.rawValue).contains(rawValue) }
  }

  /// Engine and worker.
  static var originBits: UInt64 { 14 }
  static var slotBits: UInt64 { 22 }
  static var generationBits: UInt64 { 24 }
  static let slotsMax = 1 << Int(slotBits)
  static let generationMax = UInt32(1 << generationBits) - 1

  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(kind: Kind, engine: Int, worker: Int, slot: Int, generation: UInt32) {
    rawValue =
      kind.rawValue << 60 | UInt64(engine & 0xff) << 52 | UInt64(worker & 0x3f) << 46
      | UInt64(slot & (Handle.slotsMax - 1)) << Handle.generationBits | UInt64(generation & Handle.generationMax)
  }

  /// `origin` of the handles that a worker gives out, but for their kind.
  static func origin(engine: Int, worker: Int) -> UInt64 { UInt64(engine & 0xff) << 6 | UInt64(worker & 0x3f) }

  static var none: Handle { Handle(rawValue: 0) }

  var kind: Kind? { Kind(rawValue: rawValue >> 60) }
  /// Kind, engine and worker, as one number.
  @inline(__always)
  var origin: UInt64 { rawValue >> (Handle.slotBits + Handle.generationBits) }
  var engine: Int { Int(rawValue >> 52 & 0xff) }
  var worker: Int { Int(rawValue >> 46 & 0x3f) }
  var slot: Int { Int(rawValue >> Handle.generationBits & UInt64(Handle.slotsMax - 1)) }
  /// Kind and generation: what a slot must hold for this handle to be current.
  var mark: UInt32 { UInt32(rawValue >> 60) << UInt32(Handle.generationBits) | generation }
  var generation: UInt32 { UInt32(rawValue & UInt64(Handle.generationMax)) }
}
