/// Finds the Gateways of one worker by key.
struct GatewayIndex {
  private var index = NameIndex()
  /// Of the worker's table, which is there as long as this.
  private let gateways: SlotMap<GatewayCore>.Finder

  init(_ gateways: SlotMap<GatewayCore>) { self.gateways = gateways.finder }

  @inline(__always)
  func find(_ key: GatewayKey) -> GatewayCore? {
    let slot = index.find(GatewayIndex.hash(key)) { slot in
      gateways.object(inSlot: slot)?._withUnsafeGuaranteedRef { $0.key == key } ?? false
    }
    return slot.flatMap { gateways.object(inSlot: $0)?.takeUnretainedValue() }
  }

  /// It is in its slot, and its key is not here.
  mutating func insert(_ gateway: GatewayCore) {
    index.insert(GatewayIndex.hash(gateway.key), entry: gateway.handle.slot)
  }

  /// It is here.
  mutating func remove(_ gateway: GatewayCore) {
    index.remove(GatewayIndex.hash(gateway.key), entry: gateway.handle.slot)
  }

  private static func hash(_ key: GatewayKey) -> UInt32 { UInt32(truncatingIfNeeded: key.hash) }
}
