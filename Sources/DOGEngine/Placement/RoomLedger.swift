/// The Gateways of one worker that could make room for others (rule G9): by ending, or by giving up an empty Shard or a
/// uid. There is a list for each of the three, in the order in which they would go. A value: the worker acts on it.
///
/// DESIGN. A list is ordered by when each Gateway last got more of that kind, which is when a client last left it. For
/// an empty Gateway that is since when it is empty. So the Gateway that no client has left for longest goes first. To
/// keep the lists costs O(1) for each client that leaves.
struct RoomLedger {
  /// What a Gateway has that could go.
  struct Holding: Equatable {
    /// Nobody is in it and nothing is under way: it is remembered only.
    var isEmpty = false
    var emptyShards = 0
    /// uids that are remembered without a connection.
    var idleUIDs = 0

    /// The less of each.
    @inline(__always)
    mutating func formMinimum(_ other: Holding) {
      isEmpty = isEmpty && other.isEmpty
      emptyShards = min(emptyShards, other.emptyShards)
      idleUIDs = min(idleUIDs, other.idleUIDs)
    }
  }

  /// By index of the Gateway, which is the same in all of them.
  private var empty = AgingTable<Handle>()
  private var withEmptyShards = AgingTable<Handle>()
  private var withIdleUIDs = AgingTable<Handle>()
  private var holdings: ContiguousArray<Holding> = []
  /// Of all Gateways together.
  private(set) var idleUIDs = 0

  var count: Int { empty.count }

  /// The Gateway that goes first; since when it is empty.
  var longestEmpty: Handle? { empty.oldest.map { empty[$0] } }
  var emptySince: UInt64? { empty.oldestSince }

  /// The Gateway of which an empty Shard goes first; since when it has got no more of them.
  var firstWithEmptyShards: Handle? { withEmptyShards.oldest.map { withEmptyShards[$0] } }
  var emptyShardSince: UInt64? { withEmptyShards.oldestSince }

  /// The Gateway of which a uid goes first.
  var firstWithIdleUIDs: Handle? { withIdleUIDs.oldest.map { withIdleUIDs[$0] } }

  /// A Gateway begins; it has nothing yet.
  mutating func enter(_ gateway: Handle) -> Int {
    let index = empty.insert(gateway)
    let indices = (withEmptyShards.insert(gateway), withIdleUIDs.insert(gateway))
    precondition(indices == (index, index), "a Gateway has the indices \(index) and \(indices)")
    if index == holdings.count { holdings.append(Holding()) } else { holdings[index] = Holding() }
    return index
  }

  /// It ends.
  mutating func leave(_ index: Int) {
    empty.remove(index)
    withEmptyShards.remove(index)
    withIdleUIDs.remove(index)
    idleUIDs -= holdings[index].idleUIDs
  }

  /// What it has now.
  mutating func note(_ index: Int, _ holding: Holding, now: UInt64) {
    let before = holdings[index]
    guard holding != before else { return }
    holdings[index] = holding
    idleUIDs += holding.idleUIDs - before.idleUIDs
    if holding.isEmpty != before.isEmpty {
      if holding.isEmpty { empty.age(index, now: now) } else { empty.rejuvenate(index) }
    }
    RoomLedger.move(index, in: &withEmptyShards, holding.emptyShards, before.emptyShards, now)
    RoomLedger.move(index, in: &withIdleUIDs, holding.idleUIDs, before.idleUIDs, now)
  }

  /// With more than before it is the newest; with none it is not listed.
  private static func move(
    _ index: Int, in list: inout AgingTable<Handle>, _ amount: Int, _ before: Int, _ now: UInt64
  ) {
    guard amount != before, amount > before || amount == 0 else { return }
    if before > 0 { list.rejuvenate(index) }
    if amount > 0 { list.age(index, now: now) }
  }

  func checkInvariants() {
    empty.checkInvariants()
    withEmptyShards.checkInvariants()
    withIdleUIDs.checkInvariants()
    var uids = 0
    for index in 0..<empty.indexEnd where empty.isUsed(index) {
      let holding = holdings[index]
      uids += holding.idleUIDs
      precondition(empty.ages(index) == holding.isEmpty, "\(index), \(holding), is listed as empty or not")
      precondition(withEmptyShards.ages(index) == (holding.emptyShards > 0), "\(index), \(holding), and its Shards")
      precondition(withIdleUIDs.ages(index) == (holding.idleUIDs > 0), "\(index), \(holding), and its uids")
    }
    precondition(uids == idleUIDs, "\(uids) uids are remembered, \(idleUIDs) counted")
  }
}
