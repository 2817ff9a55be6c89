/// The part of one cluster that lives on one worker: its members (sockets) by scope (Shard), and the batch of this
/// turn.
///
/// Messages are appended while the turn's callbacks run and delivered by one `flush` before the loop sleeps: each
/// member is called with what it gets in one piece, or in a few around what it skips. A turn costs O(messages +
/// members), not their product. Each member gets what one caller appends in that order, also relative to what is sent
/// after a `catchUp`.
final class Group<Member: GroupMember> {
  let pool: BytesPool
  private(set) var memberCount = 0
  private var freeScopes: ContiguousArray<Int> = []
  /// The scopes that have members, in no particular order: a flush looks at these alone.
  private(set) var occupied: ContiguousArray<Int> = []

  // For the flush (Group+Flush.swift).
  var scopes: ContiguousArray<Scope> = []
  var batch = Batch()
  /// Scopes with runs in this batch, each once.
  var emitScopes: ContiguousArray<Int> = []
  var isFlushing = false

  struct Scope {
    var members: ContiguousArray<Member> = []
    var isInUse = true
    /// In `occupied`; -1 without members.
    var occupiedIndex = -1
    /// Its chain in `Batch.runs`; -1 without emits in this batch.
    var firstRun: Int32 = -1
    var lastRun: Int32 = -1
    /// Its own emits.
    var emitted = Position()
    /// The view as far as it is copied together: up to and with `viewRun`, and `viewCommon` bytes of the broadcasts.
    var view = BytesWriter()
    var viewRun: Int32 = -1
    var viewCommon = 0
  }

  init(pool: BytesPool = BytesPool()) { self.pool = pool }

  /// Empty, with the scopes of another group. If both are told of every scope that comes and goes, they stay alike.
  init(pool: BytesPool, scopesOf other: Group) {
    self.pool = pool
    freeScopes = other.freeScopes
    for scope in other.scopes { scopes.append(Scope(isInUse: scope.isInUse)) }
  }

  // MARK: Members

  /// A Shard begins. Its number is used again after `removeScope`.
  func addScope() -> Int {
    if let free = freeScopes.popLast() {
      scopes[free].isInUse = true
      return free
    }
    scopes.append(Scope())
    return scopes.count - 1
  }

  /// The Shard ends; its members have left before. What was emitted to it in this turn goes nowhere: a member that
  /// joins under the same number later skips it.
  func removeScope(_ scope: Int) {
    precondition(scopes[scope].isInUse && scopes[scope].members.isEmpty, "scope \(scope) is not empty, or not there")
    scopes[scope].members = []
    scopes[scope].isInUse = false
    freeScopes.append(scope)
  }

  /// From now on it gets what is appended, in this very turn too.
  func join(_ member: Member, scope: Int) {
    assert(!isFlushing)
    precondition(!member.seat.isTaken && scopes[scope].isInUse, "a member joins once, and a scope that exists")
    let now = position(in: scope)
    member.seat = Seat(scope: Int32(scope), index: Int32(scopes[scope].members.count))
    if scopes[scope].members.isEmpty {
      scopes[scope].occupiedIndex = occupied.count
      occupied.append(scope)
    }
    scopes[scope].members.append(member)
    memberCount += 1
    if now.bytes > 0 { skip(member, from: Position(), to: now) }
  }

  /// It gets nothing more, not even what was appended in this turn and not caught up. Harmless for one that is not a
  /// member.
  func leave(_ member: Member) {
    assert(!isFlushing)
    let seat = member.seat
    guard seat.isTaken else { return }
    let scope = Int(seat.scope)
    let index = Int(seat.index)
    assert(scopes[scope].members[index] === member)
    let last = scopes[scope].members.removeLast()
    if last !== member {
      scopes[scope].members[index] = last
      last.seat.index = seat.index
    }
    member.seat = Seat()
    memberCount -= 1
    if scopes[scope].members.isEmpty { vacate(scope) }
  }

  private func vacate(_ scope: Int) {
    let index = scopes[scope].occupiedIndex
    let last = occupied.removeLast()
    if last != scope {
      occupied[index] = last
      scopes[last].occupiedIndex = index
    }
    scopes[scope].occupiedIndex = -1
  }

  func count(scope: Int?) -> Int { scope.map { scopes[$0].members.count } ?? memberCount }

  /// Whether a message to the members of `scope`, or to all, has a receiver besides its sender, which need not be one
  /// of them.
  func hasReceivers(scope: Int?, excluding sender: Member?) -> Bool {
    count(scope: scope) > (isReceiver(sender, scope: scope) ? 1 : 0)
  }

  private func isReceiver(_ member: Member?, scope: Int?) -> Bool {
    guard let member, member.seat.isTaken else { return false }
    return scope == nil || scope == Int(member.seat.scope)
  }

  /// In no particular order. `body` may let members join and leave: it is called for those that were there at first.
  func forEachMember(scope: Int?, _ body: (Member) -> Void) {
    if let scope {
      let members = scopes[scope].members
      for member in members { body(member) }
    } else {
      let all = occupied.map { scopes[$0].members }
      for members in all { for member in members { body(member) } }
    }
  }

  // MARK: Messages

  /// True when a flush would find something.
  @inline(__always)
  var isDirty: Bool { batch.common.count > 0 || !emitScopes.isEmpty }

  /// What this batch holds in memory: the owner flushes before the turn ends if that is too much.
  var pendingBytes: Int { batch.bytes }

  /// Appends one encoded frame for the members of `scope` (emit), or all (broadcast), except for the sender. `fill`
  /// writes exactly `size` bytes; it is not called when there is nobody to get them.
  func append(size: Int, scope: Int?, excluding sender: Member?, fill: (UnsafeMutableRawPointer) -> Void) {
    if let target = reserve(size, messages: 1, scope: scope, excluding: sender) { fill(target) }
  }

  /// Appends what is encoded already: a broadcast from another worker.
  func append(_ frame: SharedFrame, scope: Int? = nil, excluding sender: Member? = nil) {
    let target = reserve(frame.count, messages: frame.messages, scope: scope, excluding: sender)
    if let target { frame.copy(to: target) }
  }

  private func reserve(
    _ size: Int, messages: Int, scope: Int?, excluding sender: Member?
  ) -> UnsafeMutableRawPointer? {
    assert(!isFlushing && size > 0)
    guard hasReceivers(scope: scope, excluding: sender) else { return nil }
    if let sender, isReceiver(sender, scope: scope) {
      let start = position(in: Int(sender.seat.scope))
      skip(sender, from: start, to: Position(bytes: start.bytes + size, frames: start.frames + messages))
    }
    // If all members are in this scope, an emit is a broadcast: a member that joins another scope later skips it in any
    // case.
    if let scope, count(scope: scope) < memberCount { return extendEmits(of: scope, by: size, messages: messages) }
    batch.commonFrames += messages
    return batch.common.extend(by: size, pool: pool)
  }

  private func extendEmits(of scope: Int, by size: Int, messages: Int) -> UnsafeMutableRawPointer {
    let start = batch.emits.count
    let common = batch.common.count
    let last = scopes[scope].lastRun
    scopes[scope].emitted.bytes += size
    scopes[scope].emitted.frames += messages
    let isAdjacent = last >= 0 && batch.runs[Int(last)].end == start && batch.runs[Int(last)].common == common
    if isAdjacent, last != scopes[scope].viewRun {
      batch.runs[Int(last)].end += size
    } else {
      let run = Int32(batch.runs.count)
      batch.runs.append(Run(start: start, end: start + size, common: common))
      if last >= 0 {
        batch.runs[Int(last)].next = run
      } else {
        scopes[scope].firstRun = run
        emitScopes.append(scope)
      }
      scopes[scope].lastRun = run
    }
    return batch.emits.extend(by: size, pool: pool)
  }

  // MARK: Places

  /// Where the view of this scope ends now.
  func position(in scope: Int) -> Position {
    let emitted = scopes[scope].emitted
    return Position(bytes: batch.common.count + emitted.bytes, frames: batch.commonFrames + emitted.frames)
  }

  private func skip(_ member: Member, from start: Position, to end: Position) {
    let last = Int(member.seat.lastSkip)
    if last >= 0, batch.skips[last].end == start {
      batch.skips[last].end = end
      return
    }
    let skip = Int32(batch.skips.count)
    batch.skips.append(Skip(start: start, end: end))
    if last >= 0 { batch.skips[last].next = skip } else { member.seat.firstSkip = skip }
    member.seat.lastSkip = skip
  }
}
