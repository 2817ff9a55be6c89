/// What was appended to a group in this turn and is not delivered yet.
///
/// DESIGN Broadcasts lie one after another in `common`, emits in `emits`. The *view* of a scope is what its members
/// get: the broadcasts and its own emits, in the order in which they were appended. A position in a view is a plain
/// byte offset, which is known before the view exists: the bytes of `common` so far plus the bytes of the scope's own
/// emits so far. So messages leave no records, however many there are. Only these do:
///  - a *run*, the emits of one scope between two broadcasts: the view is copied together from them, once;
///  - a *skip*, a stretch of the view that one member does not get: its own message, or what came before it joined.
/// A scope without emits has `common` itself for its view, and nothing is copied.
struct Batch {
  var common = BytesWriter()
  var commonFrames = 0
  var emits = BytesWriter()
  var runs: ContiguousArray<Run> = []
  var skips: ContiguousArray<Skip> = []
  /// Bytes of views that were needed before the flush and are kept for it.
  var viewBytes = 0

  var bytes: Int { common.count + emits.count + viewBytes }

  mutating func finish(pool: BytesPool) {
    common.finish(pool: pool)
    emits.finish(pool: pool)
    commonFrames = 0
    viewBytes = 0
    runs.empty()
    skips.empty()
  }
}

/// Emits of one scope with nothing in between, for that scope.
struct Run {
  /// In `Batch.emits`.
  var start: Int
  var end: Int
  /// The bytes of `Batch.common` that come before it.
  let common: Int
  /// The next run of the same scope, or -1.
  var next: Int32 = -1
}

/// A position in a view, in bytes and in whole frames.
struct Position: Equatable {
  var bytes = 0
  var frames = 0
}

/// A stretch of the view that one member does not get. The next in its chain begins after this one's end, never at it.
struct Skip {
  var start: Position
  var end: Position
  /// The member's next one, or -1.
  var next: Int32 = -1
}

extension ContiguousArray {
  /// Keeps the storage for the next turn, unless this one was unusually large.
  fileprivate mutating func empty() { removeAll(keepingCapacity: capacity <= 4096) }
}
