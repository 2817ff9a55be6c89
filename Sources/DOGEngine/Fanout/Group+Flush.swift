/// How a batch is delivered: the views of the scopes, and each member's part of them.
extension Group {
  /// Delivers this turn's batch: once per turn, right before the loop sleeps, or earlier.
  func flush() {
    guard isDirty else { return }
    assert(!isFlushing)
    isFlushing = true
    if batch.common.count > 0 {
      for scope in occupied { deliver(to: scope) }
    } else {
      for scope in emitScopes where !scopes[scope].members.isEmpty { deliver(to: scope) }
    }
    // Also those of scopes whose members have all left.
    for scope in emitScopes { forgetEmits(of: scope) }
    emitScopes.removeAll(keepingCapacity: emitScopes.capacity <= 4096)
    batch.finish(pool: pool)
    isFlushing = false
  }

  /// Hands one member its part of the batch so far: before something is sent to it alone, so that its peer gets both in
  /// the order in which they were said. `more` is true, because the caller sends something right after.
  func catchUp(_ member: Member) {
    guard isDirty, member.seat.isTaken else { return }
    assert(!isFlushing)
    let scope = Int(member.seat.scope)
    let now = position(in: scope)
    let first = Int(member.seat.firstSkip)
    if first < 0 {
      guard now.bytes > 0 else { return }
      member.seat.firstSkip = Int32(batch.skips.count)
      member.seat.lastSkip = member.seat.firstSkip
      batch.skips.append(Skip(start: Position(), end: Position()))
    } else if batch.skips[first].start.bytes == 0, batch.skips[first].end == now {
      return
    }
    deliver(view(of: scope), to: member, moreFollows: true)
    // From here on everything so far is skipped, in one record: the first of its chain is used again.
    batch.skips[Int(member.seat.firstSkip)] = Skip(start: Position(), end: now)
    member.seat.lastSkip = member.seat.firstSkip
  }

  // MARK: Members

  /// To one that has members.
  private func deliver(to scope: Int) {
    let view = view(of: scope)
    let range = view.origin..<view.origin + view.length.bytes
    let members = scopes[scope].members
    members.withUnsafeBytes { members in
      // The array holds them, and nobody leaves meanwhile: as they come out of a loop each would be counted twice.
      for member in members.bindMemory(to: Unmanaged<Member>.self) {
        member._withUnsafeGuaranteedRef { member in
          if member.seat.firstSkip < 0 {
            member.take(view.bytes, range, frames: view.length.frames, more: false)
          } else {
            deliver(view, to: member, moreFollows: false)
            member.seat.firstSkip = -1
            member.seat.lastSkip = -1
          }
        }
      }
    }
  }

  private func forgetEmits(of scope: Int) {
    scopes[scope].firstRun = -1
    scopes[scope].lastRun = -1
    scopes[scope].emitted = Position()
    scopes[scope].view.finish(pool: pool)
    scopes[scope].viewRun = -1
    scopes[scope].viewCommon = 0
  }

  /// Delivers what lies between the skips of a member that has some.
  @inline(never)
  private func deliver(_ view: View, to member: Member, moreFollows: Bool) {
    let last = batch.skips[Int(member.seat.lastSkip)]
    let hasTail = last.end.bytes < view.length.bytes
    var from = Position()
    var next = member.seat.firstSkip
    while next >= 0 {
      let skip = batch.skips[Int(next)]
      if from.bytes < skip.start.bytes {
        member.take(
          view.bytes, view.origin + from.bytes..<view.origin + skip.start.bytes,
          frames: skip.start.frames - from.frames, more: moreFollows || skip.next >= 0 || hasTail)
      }
      from = skip.end
      next = skip.next
    }
    guard hasTail else { return }
    member.take(
      view.bytes, view.origin + from.bytes..<view.origin + view.length.bytes,
      frames: view.length.frames - from.frames, more: moreFollows)
  }

  // MARK: Views

  /// All that the members of one scope get of this batch, in one piece.
  private struct View {
    let bytes: SharedBytes
    /// Where in `bytes` it begins.
    let origin: Int
    let length: Position
  }

  private func view(of scope: Int) -> View {
    let length = position(in: scope)
    let first = scopes[scope].firstRun
    if first < 0 {
      guard let common = batch.common.bytes else { preconditionFailure("a view of nothing") }
      return View(bytes: common, origin: 0, length: length)
    }
    if batch.common.count == 0, first == scopes[scope].lastRun, let emits = batch.emits.bytes {
      return View(bytes: emits, origin: batch.runs[Int(first)].start, length: length)
    }
    return View(bytes: gather(scope, length: length.bytes), origin: 0, length: length)
  }

  /// Copies together what the view of this scope lacks: broadcasts and its own emits, in order.
  @inline(never)
  private func gather(_ scope: Int, length: Int) -> SharedBytes {
    let missing = length - scopes[scope].view.count
    if missing > 0 {
      var target = scopes[scope].view.extend(by: missing, pool: pool)
      func copy(_ source: SharedBytes?, _ start: Int, _ end: Int) {
        guard let source, start < end else { return }
        target.copyMemory(from: source.base + start, byteCount: end - start)
        target += end - start
      }
      var common = scopes[scope].viewCommon
      let gathered = scopes[scope].viewRun
      var next = gathered < 0 ? scopes[scope].firstRun : batch.runs[Int(gathered)].next
      while next >= 0 {
        let run = batch.runs[Int(next)]
        copy(batch.common.bytes, common, run.common)
        copy(batch.emits.bytes, run.start, run.end)
        common = run.common
        next = run.next
      }
      copy(batch.common.bytes, common, batch.common.count)
      scopes[scope].viewRun = scopes[scope].lastRun
      scopes[scope].viewCommon = batch.common.count
      if !isFlushing { batch.viewBytes += missing }
    }
    guard let bytes = scopes[scope].view.bytes else { preconditionFailure("a view of nothing") }
    return bytes
  }
}
