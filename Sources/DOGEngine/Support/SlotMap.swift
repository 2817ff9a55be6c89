import Synchronization

/// The objects of one sort on one worker, by handle.
///
/// DESIGN. Only the owning worker inserts, removes and looks up. Other threads may do two things, both by the slot's
/// atomic state alone: ask whether a handle is current, and *claim* it. A claim is the one right to end the slot's
/// object, for example to answer a request. The thread that wins it sends the owner a letter; everybody after it finds
/// the handle stale. The object stays in its slot until the owner removes it, so the winner may read what is immutable
/// in it.
///
/// `@unchecked Sendable`: chunks are published through atomics and never move or go away before the map does;
/// everything else is touched by the owner alone.
final class SlotMap<Object: AnyObject>: @unchecked Sendable {
  private struct Slot: ~Copyable {
    /// The live handle's mark (kind and generation); with `claimedBit` while claimed; while free `freeBit` and the next
    /// generation.
    let state: Atomic<UInt32>
    var object: Unmanaged<Object>?
    var nextFree: Int32 = -1
  }

  private static var claimedBit: UInt32 { 1 << 31 }
  private static var freeBit: UInt32 { 1 << 30 }
  private static var chunkSlots: Int { 1024 }

  /// What finding takes, as plain pointers: whoever has this counts no reference.
  struct Finder {
    fileprivate let chunks: UnsafeMutablePointer<Atomic<UInt>>
    fileprivate let used: UnsafeMutablePointer<Int>

    /// As `find`, without a count of the object's reference: for who knows that it is not removed meanwhile.
    @inline(__always)
    func find(_ handle: Handle) -> Unmanaged<Object>? {
      let slot = handle.slot
      guard slot < used.pointee else { return nil }
      let place = SlotMap.place(slot, in: chunks)
      guard place.pointee.state.load(ordering: .relaxed) == handle.mark else { return nil }
      return place.pointee.object
    }

    /// As `claim` of the map, as long as that lives.
    @inline(__always)
    func claim(_ handle: Handle) -> Bool {
      guard let place = SlotMap.publishedPlace(handle.slot, in: chunks) else { return false }
      return place.pointee.state.compareExchange(
        expected: handle.mark, desired: handle.mark | SlotMap.claimedBit, ordering: .acquiringAndReleasing
      ).exchanged
    }

    /// What is in a slot that is in use, claimed or not.
    @inline(__always)
    func object(inSlot slot: Int) -> Unmanaged<Object>? { SlotMap.place(slot, in: chunks).pointee.object }

    /// Whether it names an object that is alive and not claimed. Any thread, as long as the map lives.
    @inline(__always)
    func isCurrent(_ handle: Handle) -> Bool {
      SlotMap.publishedPlace(handle.slot, in: chunks)?.pointee.state.load(ordering: .acquiring) == handle.mark
    }
  }

  let finder: Finder
  private let chunks: UnsafeMutablePointer<Atomic<UInt>>
  private let chunksMax = Handle.slotsMax / SlotMap.chunkSlots
  private let firstGeneration: UInt32
  private let engine: Int
  private let worker: Int

  private(set) var count = 0
  private var used: Int {
    get { finder.used.pointee }
    set { finder.used.pointee = newValue }
  }
  // Free slots first in, first out: a slot rests as long as possible before it is used again.
  private var freeHead: Int32 = -1
  private var freeTail: Int32 = -1

  /// `firstGeneration` differs from engine to engine, so that the handles of an engine that is gone match nothing in
  /// the next.
  init(engine: Int, worker: Int, firstGeneration: UInt32) {
    self.engine = engine
    self.worker = worker
    self.firstGeneration = min(max(1, firstGeneration), Handle.generationMax - 1)
    chunks = .allocate(capacity: chunksMax)
    finder = Finder(chunks: chunks, used: .allocate(capacity: 1))
    finder.used.initialize(to: 0)
    for index in 0..<chunksMax { (chunks + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for slot in 0..<used {
      let place = self.place(slot)
      place.pointee.object?.release()
    }
    for index in 0..<chunksMax {
      chunk(index)?.deallocate()
    }
    chunks.deallocate()
    finder.used.deallocate()
  }

  /// Keeps the object and names it; nil when every slot is taken. Owner only.
  func insert(_ object: Object, as kind: Handle.Kind) -> Handle? {
    let slot: Int
    if freeHead >= 0 {
      slot = Int(freeHead)
      freeHead = place(slot).pointee.nextFree
      if freeHead < 0 { freeTail = -1 }
    } else {
      guard used < Handle.slotsMax else { return nil }
      slot = used
      if slot % SlotMap.chunkSlots == 0 { addChunk(slot / SlotMap.chunkSlots) }
      used += 1
    }
    let place = self.place(slot)
    let generation = place.pointee.state.load(ordering: .relaxed) & Handle.generationMax
    place.pointee.object = Unmanaged.passRetained(object)
    let handle = Handle(kind: kind, engine: engine, worker: worker, slot: slot, generation: generation)
    place.pointee.state.store(handle.mark, ordering: .releasing)
    count += 1
    return handle
  }

  /// The object, unless the handle is stale or claimed. Owner only.
  @inline(__always)
  func find(_ handle: Handle) -> Object? { finder.find(handle)?.takeUnretainedValue() }

  /// The object of a claim that was won. Any thread, by the winner, until the owner removes it.
  func claimed(_ handle: Handle) -> Object? {
    guard let place = publishedPlace(handle.slot),
      place.pointee.state.load(ordering: .acquiring) == handle.mark | SlotMap.claimedBit
    else { return nil }
    return place.pointee.object?.takeUnretainedValue()
  }

  /// Any thread.
  func isCurrent(_ handle: Handle) -> Bool { finder.isCurrent(handle) }

  /// Wins the right to end this object, at most once per handle. Any thread.
  func claim(_ handle: Handle) -> Bool { finder.claim(handle) }

  /// Frees the slot of a live or claimed handle. Owner only; a stale handle is ignored.
  func remove(_ handle: Handle) {
    guard handle.slot < used else { return }
    let place = self.place(handle.slot)
    let state = place.pointee.state.load(ordering: .relaxed)
    guard state & ~SlotMap.claimedBit == handle.mark, let object = place.pointee.object else { return }
    place.pointee.object = nil
    count -= 1
    // A slot whose generations are used up is never used again: a handle names one object for ever.
    let next = handle.generation + 1
    place.pointee.state.store(min(next, Handle.generationMax) | SlotMap.freeBit, ordering: .releasing)
    if next < Handle.generationMax { putBack(handle.slot) }
    object.release()
  }

  /// Names the object of a claimed handle anew; the old handle stays stale. Nil, and nothing has changed: every slot is
  /// taken, and the object cannot stay in its own, whose generations are used up. Owner only.
  func rename(_ handle: Handle, as kind: Handle.Kind) -> Handle? {
    guard handle.slot < used else { return nil }
    let place = self.place(handle.slot)
    guard place.pointee.state.load(ordering: .relaxed) == handle.mark | SlotMap.claimedBit else { return nil }
    let next = handle.generation + 1
    guard next < Handle.generationMax else {
      let moved = place.pointee.object.flatMap { insert($0.takeUnretainedValue(), as: kind) }
      if moved != nil { remove(handle) }
      return moved
    }
    let renamed = Handle(kind: kind, engine: engine, worker: worker, slot: handle.slot, generation: next)
    place.pointee.state.store(renamed.mark, ordering: .releasing)
    return renamed
  }

  /// All objects, in no order; inserting and removing while it runs is fine. Owner only.
  func forEach(_ body: (Object) -> Void) {
    var slot = 0
    while slot < used {
      if let object = place(slot).pointee.object?.takeUnretainedValue() { body(object) }
      slot += 1
    }
  }

  /// The objects in so many slots from this one on. Returns where to go on; nil: those were the last. Owner only.
  func forEach(from first: Int, slots: Int, _ body: (Object) -> Void) -> Int? {
    var slot = first
    while slot < used, slot - first < slots {
      if let object = place(slot).pointee.object?.takeUnretainedValue() { body(object) }
      slot += 1
    }
    return slot < used ? slot : nil
  }

  private func putBack(_ slot: Int) {
    place(slot).pointee.nextFree = -1
    if freeTail >= 0 { place(Int(freeTail)).pointee.nextFree = Int32(slot) } else { freeHead = Int32(slot) }
    freeTail = Int32(slot)
  }

  @inline(__always)
  private func chunk(_ index: Int) -> UnsafeMutablePointer<Slot>? {
    UnsafeMutablePointer(bitPattern: chunks[index].load(ordering: .acquiring))
  }

  /// A slot below `used`: its chunk exists.
  @inline(__always)
  private func place(_ slot: Int) -> UnsafeMutablePointer<Slot> { SlotMap.place(slot, in: chunks) }

  @inline(__always)
  private static func place(_ slot: Int, in chunks: UnsafeMutablePointer<Atomic<UInt>>) -> UnsafeMutablePointer<Slot> {
    let chunk = chunks[slot / chunkSlots].load(ordering: .acquiring)
    return UnsafeMutablePointer<Slot>(bitPattern: chunk).unsafelyUnwrapped + slot % chunkSlots
  }

  /// The slot of any number: a forged handle may name one whose chunk does not exist.
  private func publishedPlace(_ slot: Int) -> UnsafeMutablePointer<Slot>? {
    SlotMap.publishedPlace(slot, in: chunks)
  }

  @inline(__always)
  private static func publishedPlace(
    _ slot: Int, in chunks: UnsafeMutablePointer<Atomic<UInt>>
  ) -> UnsafeMutablePointer<Slot>? {
    guard slot < Handle.slotsMax else { return nil }
    let chunk = chunks[slot / chunkSlots].load(ordering: .acquiring)
    return UnsafeMutablePointer<Slot>(bitPattern: chunk).map { $0 + slot % chunkSlots }
  }

  private func addChunk(_ index: Int) {
    let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: SlotMap.chunkSlots)
    for slot in 0..<SlotMap.chunkSlots {
      (chunk + slot).initialize(to: Slot(state: Atomic(firstGeneration | SlotMap.freeBit), object: nil))
    }
    chunks[index].store(UInt(bitPattern: chunk), ordering: .releasing)
  }
}
