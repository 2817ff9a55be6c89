/// The calls that a host has asked for on one worker (dog_shard_post, dog_shard_after), until they are made.
///
/// A value that decides only who makes a call: code that takes it out makes it, and nobody else finds it any more. So
/// if a call is due, cancelled and ended with its Shard at the same time, it is still made once.
///
///     waiting --take: it is due--> gone
///        |`---cancel--> cancelled --take--> gone
///         `--end of its Shard, of both--> gone
///
/// Every verb is O(1), except `end`, which is O(calls of that Shard).
struct HostCalls {
  struct Call: Sendable {
    let handle: Handle
    let shard: Handle
    /// It has a deadline, and counts for the limit on timers.
    let isTimer: Bool
    let act: @Sendable (Status) -> Void
    /// The status that it is made with, unless its Shard ends first.
    fileprivate(set) var outcome = Status.ok
    /// Its reminder in the worker's wheel, once it has one.
    fileprivate(set) var reminder: Int?
  }

  private struct Slot {
    /// Nil exactly while the slot is free.
    var call: Call?
    var generation: UInt32
    /// The neighbours among the Shard's calls; while free, `next` is the next free slot.
    var previous: Int32
    var next: Int32
  }

  /// The calls of one Shard, in the order in which they were asked for.
  private struct Calls {
    var first: Int32
    var last: Int32
    /// Those that wait for a deadline.
    var timers = 0
  }

  private static var none: Int32 { -1 }

  private let engine: Int
  private let worker: Int
  private let timersMax: Int
  private let slotsMax: Int
  private let firstGeneration: UInt32
  private var slots: ContiguousArray<Slot> = []
  private var firstFree = HostCalls.none
  private var byShard: [Handle: Calls] = [:]
  /// Shards that have ended and whose handles are still current: no more calls may be added for them.
  private var ended: Set<Handle> = []
  private(set) var count = 0

  init(engine: Int, worker: Int, firstGeneration: UInt32, timersMax: Int, slotsMax: Int = Handle.slotsMax) {
    self.engine = engine
    self.worker = worker
    self.timersMax = timersMax
    self.slotsMax = slotsMax
    self.firstGeneration = max(1, firstGeneration & (Handle.generationMax >> 1))
  }

  /// `stale`: the Shard has ended. `full`: so many wait already.
  mutating func add(_ act: @escaping @Sendable (Status) -> Void, for shard: Handle, isTimer: Bool) throws(Status)
    -> Handle
  {
    guard !ended.contains(shard) else { throw .stale }
    if isTimer, let timers = byShard[shard]?.timers, timers >= timersMax { throw .full }
    guard let slot = takeSlot() else { throw .full }
    let handle = handle(of: Int(slot))
    slots[Int(slot)].call = Call(handle: handle, shard: shard, isTimer: isTimer, act: act)
    slots[Int(slot)].next = HostCalls.none
    var calls = byShard[shard] ?? Calls(first: slot, last: HostCalls.none)
    slots[Int(slot)].previous = calls.last
    if calls.last != HostCalls.none { slots[Int(calls.last)].next = slot }
    calls.last = slot
    if isTimer { calls.timers += 1 }
    byShard[shard] = calls
    count += 1
    return handle
  }

  /// It has this reminder from now on.
  mutating func setReminder(_ reminder: Int, of handle: Handle) {
    if let slot = find(handle) { slots[slot].call?.reminder = reminder }
  }

  /// Neither taken nor cancelled.
  func isWaiting(_ handle: Handle) -> Bool { find(handle).map { slots[$0].call?.outcome.isOK == true } ?? false }

  /// The caller makes the call.
  mutating func take(_ handle: Handle) -> Call? { find(handle).flatMap { take(slot: $0) } }

  /// It is to be made at once, with `cancelled`. False: it was taken or cancelled before.
  mutating func cancel(_ handle: Handle) -> Bool {
    guard isWaiting(handle), let slot = find(handle), let call = slots[slot].call else { return false }
    slots[slot].call?.outcome = .cancelled
    if call.isTimer { byShard[call.shard]?.timers -= 1 }
    return true
  }

  /// A Shard ends: takes all of its calls, and no more are added.
  mutating func end(_ shard: Handle) -> [Call] {
    ended.insert(shard)
    var taken: [Call] = []
    while let first = byShard[shard]?.first, let call = take(slot: Int(first)) { taken.append(call) }
    return taken
  }

  /// Its handle is stale from now on.
  mutating func forget(_ shard: Handle) { ended.remove(shard) }

  private func handle(of slot: Int) -> Handle {
    Handle(kind: .timer, engine: engine, worker: worker, slot: slot, generation: slots[slot].generation)
  }

  private func find(_ handle: Handle) -> Int? {
    guard handle.slot < slots.count, slots[handle.slot].call != nil, self.handle(of: handle.slot) == handle else {
      return nil
    }
    return handle.slot
  }

  private mutating func take(slot: Int) -> Call? {
    guard let call = slots[slot].call, var calls = byShard[call.shard] else { return nil }
    let (previous, next) = (slots[slot].previous, slots[slot].next)
    if previous == HostCalls.none { calls.first = next } else { slots[Int(previous)].next = next }
    if next == HostCalls.none { calls.last = previous } else { slots[Int(next)].previous = previous }
    if call.isTimer, call.outcome.isOK { calls.timers -= 1 }
    byShard[call.shard] = calls.first == HostCalls.none ? nil : calls
    slots[slot].call = nil
    count -= 1
    // A slot whose generations are used up is never used again: a handle names one call for ever.
    if slots[slot].generation < Handle.generationMax {
      slots[slot].generation += 1
      slots[slot].next = firstFree
      firstFree = Int32(slot)
    }
    return call
  }

  private mutating func takeSlot() -> Int32? {
    if firstFree != HostCalls.none {
      let slot = firstFree
      firstFree = slots[Int(slot)].next
      return slot
    }
    guard slots.count < slotsMax else { return nil }
    slots.append(Slot(call: nil, generation: firstGeneration, previous: HostCalls.none, next: HostCalls.none))
    return Int32(slots.count - 1)
  }

  func checkInvariants() {
    var seen = 0
    for (shard, calls) in byShard {
      precondition(!ended.contains(shard), "calls wait for a Shard that has ended")
      var (timers, previous, slot) = (0, HostCalls.none, calls.first)
      while slot != HostCalls.none {
        guard let call = slots[Int(slot)].call else { preconditionFailure("slot \(slot) is listed and free") }
        precondition(call.shard == shard, "slot \(slot) is listed for another Shard")
        precondition(slots[Int(slot)].previous == previous, "slot \(slot) points back to another")
        if call.isTimer, call.outcome.isOK { timers += 1 }
        (previous, slot) = (slot, slots[Int(slot)].next)
        seen += 1
        precondition(seen <= count, "more than \(count) calls are listed")
      }
      precondition(calls.last == previous, "the list of a Shard ends elsewhere")
      precondition(calls.timers == timers && timers <= timersMax, "\(timers) timers wait, \(calls.timers) counted")
    }
    precondition(seen == count, "\(seen) calls are listed, \(count) counted")
    precondition(slots.reduce(0) { $0 + ($1.call == nil ? 0 : 1) } == count, "some calls are in no list")
  }
}
