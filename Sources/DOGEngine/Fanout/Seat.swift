/// Where a member sits in its group and what it skips of this turn's batch. The group's own notes, kept inside the
/// member so that finding them costs no look-up.
struct Seat {
  /// -1 exactly while it is in no group.
  var scope: Int32 = -1
  /// Its index among the members of its scope.
  var index: Int32 = -1
  /// Its chain in `Batch.skips`, oldest first. Both -1 when it gets the whole view of its scope, and so after every
  /// flush.
  var firstSkip: Int32 = -1
  var lastSkip: Int32 = -1

  var isTaken: Bool { scope >= 0 }
}

/// One receiver of a group: a socket.
protocol GroupMember: AnyObject {
  /// Owned by the group; begins as `Seat()`.
  var seat: Seat { get set }

  /// Sends these bytes (whole frames, `frames` of them) to the peer, after all that was taken before. `more`: something
  /// else follows at once, so collect, and write with the last. The bytes may be referred to by offset for as long as
  /// they are needed; they are never changed.
  ///
  /// Called from inside the group: it must not append, join or leave. A member whose peer is lost or too slow is noted
  /// by its owner and closed after the flush.
  func take(_ bytes: SharedBytes, _ range: Range<Int>, frames: Int, more: Bool)
}
