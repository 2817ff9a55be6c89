/// What the host was lent: copies that were made for it, and objects that it has pointers into. They are kept until it
/// has no more use for them.
struct Lender {
  private var copies: [UnsafeMutableRawPointer] = []
  private var kept: [AnyObject] = []
  /// What lives as long as that anyhow.
  private var held: ObjectIdentifier?

  /// A copy that lives until `letGo`.
  mutating func lend(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let copy = lend(byteCount: bytes.count)
    bytes.withUnsafeBytes { if let base = $0.baseAddress { copy.copyMemory(from: base, byteCount: $0.count) } }
    return UnsafeRawBufferPointer(start: copy, count: bytes.count)
  }

  /// Room for the caller to fill, aligned for anything; it lives as long.
  mutating func lend(byteCount: Int) -> UnsafeMutableRawPointer {
    let room = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
    copies.append(room)
    return room
  }

  /// Keeps an object until `letGo`.
  @inline(__always)
  mutating func keep(_ object: AnyObject) {
    if ObjectIdentifier(object) != held { keepAlso(object) }
  }

  @inline(never)
  private mutating func keepAlso(_ object: AnyObject) {
    if kept.last !== object { kept.append(object) }
  }

  /// The caller keeps this object until `letGo`.
  @inline(__always)
  mutating func hold(_ object: AnyObject) { held = ObjectIdentifier(object) }

  @inline(__always)
  mutating func letGo() {
    held = nil
    if !copies.isEmpty || !kept.isEmpty { letGoOfAll() }
  }

  @inline(never)
  private mutating func letGoOfAll() {
    if !copies.isEmpty {
      for copy in copies { copy.deallocate() }
      copies.removeAll(keepingCapacity: copies.count <= 1024)
    }
    if !kept.isEmpty { kept.removeAll(keepingCapacity: kept.count <= 1024) }
  }
}
