/// One connection's share of a Shard's limit, and whose it is.
struct Place: Sendable {
  let uid: Name
  private let shard: Int32
  private let memory: Int32

  init(uid: Name, slot: Int, entry: Int) {
    self.uid = uid
    shard = Int32(slot)
    memory = Int32(entry)
  }

  /// The Shard's, in its Gateway's placement.
  var slot: Int { Int(shard) }

  /// What `StickyTable` has of the uid, so that to give the place back takes no look-up.
  var entry: Int { Int(memory) }
}
