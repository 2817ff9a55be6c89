/// The Shards of one cluster, the best to place on at the top: the lowest rank, the oldest of equals.
///
/// An indexed heap: where each Shard stands is known, so a Shard anywhere in it changes its rank in O(log n) without
/// being looked for. Four children a node, which share a cache line: half the levels of a binary heap, for comparisons
/// that cost next to nothing.
struct PlacementHeap {
  struct Node {
    /// Smaller is older; no two Shards share one.
    var ordinal: UInt64
    var rank: UInt32
    var shard: Int32

    @inline(__always)
    static func < (left: Node, right: Node) -> Bool {
      left.rank != right.rank ? left.rank < right.rank : left.ordinal < right.ordinal
    }
  }

  private static var children: Int { 4 }
  private static var absent: Int32 { -1 }

  private var nodes: ContiguousArray<Node> = []
  /// By Shard: where in `nodes` it stands.
  private var positions: ContiguousArray<Int32> = []

  var count: Int { nodes.count }
  var top: Node? { nodes.first }

  func contains(_ shard: Int) -> Bool { shard < positions.count && positions[shard] != PlacementHeap.absent }

  /// It must be in the heap.
  func node(of shard: Int) -> Node { nodes[Int(positions[shard])] }

  /// It must not be in the heap.
  mutating func insert(_ shard: Int, rank: UInt32, ordinal: UInt64) {
    precondition(!contains(shard), "Shard \(shard) is in the heap already")
    while positions.count <= shard { positions.append(PlacementHeap.absent) }
    let node = Node(ordinal: ordinal, rank: rank, shard: Int32(shard))
    nodes.append(node)
    siftUp(node, from: nodes.count - 1)
  }

  /// It must be in the heap.
  mutating func update(_ shard: Int, rank: UInt32) {
    let position = Int(positions[shard])
    var node = nodes[position]
    let before = node.rank
    node.rank = rank
    guard rank < before ? position > 0 : position * PlacementHeap.children + 1 < nodes.count else {
      // Nothing stands above it, or below.
      nodes[position].rank = rank
      return
    }
    if rank < before {
      siftUp(node, from: position)
    } else if rank > before {
      siftDown(node, from: position)
    }
  }

  /// It must be in the heap.
  mutating func remove(_ shard: Int) {
    let position = Int(positions[shard])
    positions[shard] = PlacementHeap.absent
    let moved = nodes.removeLast()
    guard position < nodes.count else { return }
    if moved < nodes[position] {
      siftUp(moved, from: position)
    } else {
      siftDown(moved, from: position)
    }
  }

  /// Fills the hole at `start` with `node` after moving down every ancestor that it belongs above.
  private mutating func siftUp(_ node: Node, from start: Int) {
    nodes.withUnsafeMutableBufferPointer { nodes in
      positions.withUnsafeMutableBufferPointer { positions in
        var hole = start
        while hole > 0 {
          let parent = (hole - 1) / PlacementHeap.children
          guard node < nodes[parent] else { break }
          nodes[hole] = nodes[parent]
          positions[Int(nodes[hole].shard)] = Int32(truncatingIfNeeded: hole)
          hole = parent
        }
        nodes[hole] = node
        positions[Int(node.shard)] = Int32(truncatingIfNeeded: hole)
      }
    }
  }

  /// Fills the hole at `start` with `node` after moving up the best child of every level that belongs above it.
  private mutating func siftDown(_ node: Node, from start: Int) {
    nodes.withUnsafeMutableBufferPointer { nodes in
      positions.withUnsafeMutableBufferPointer { positions in
        var hole = start
        while true {
          let first = hole * PlacementHeap.children + 1
          guard first < nodes.count else { break }
          var best = first
          var child = first + 1
          let end = min(first + PlacementHeap.children, nodes.count)
          while child < end {
            if nodes[child] < nodes[best] { best = child }
            child += 1
          }
          guard nodes[best] < node else { break }
          nodes[hole] = nodes[best]
          positions[Int(nodes[hole].shard)] = Int32(truncatingIfNeeded: hole)
          hole = best
        }
        nodes[hole] = node
        positions[Int(node.shard)] = Int32(truncatingIfNeeded: hole)
      }
    }
  }

  func checkInvariants() {
    for (position, node) in nodes.enumerated() {
      precondition(positions[Int(node.shard)] == Int32(position), "Shard \(node.shard) is not known at \(position)")
      guard position > 0 else { continue }
      let parent = nodes[(position - 1) / PlacementHeap.children]
      precondition(parent < node, "Shard \(node.shard) stands below \(parent.shard) and belongs above it")
    }
    let present = positions.reduce(0) { $0 + ($1 == PlacementHeap.absent ? 0 : 1) }
    precondition(present == nodes.count, "\(present) Shards have a position, \(nodes.count) are in the heap")
  }
}
