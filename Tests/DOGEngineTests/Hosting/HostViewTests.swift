import Testing

@testable import DOGEngine

@Suite struct HostViewTests {
  private func handle(_ kind: Handle.Kind, _ slot: Int) -> Handle {
    Handle(kind: kind, engine: 1, worker: 0, slot: slot, generation: 1)
  }

  private func note(_ view: HostView, _ kind: EventRecord.Kind, shard: Int, socket: Int? = nil, _ text: String = "") {
    var record = EventRecord(kind)
    record.shard = handle(.shard, shard)
    record.gateway = handle(.gateway, 0)
    if let socket { record.socket = handle(.socket, socket) }
    let batch = EventBatch()
    [UInt8](text.utf8).withUnsafeBytes { batch.append(record, $0) }
    view.note(batch.records[0], batch)
  }

  @Test func `a socket is there from its open to the poll after its close`() {
    let view = HostView()
    let socket = handle(.socket, 7)
    note(view, .start, shard: 1, "one")
    #expect(view.socket(socket) == nil)
    note(view, .open, shard: 1, socket: 7, "ann")
    #expect(view.socket(socket)?.uid == Name("ann"))
    #expect(view.socket(socket)?.shard == handle(.shard, 1))
    view.letGo()
    note(view, .close, shard: 1, socket: 7)
    #expect(view.socket(socket)?.uid == Name("ann"))
    #expect(view.shard(handle(.shard, 1))?.sockets == [])
    view.letGo()
    #expect(view.socket(socket) == nil)
  }

  @Test func `a Shard is there from its start to the poll after its stop`() {
    let view = HostView()
    let shard = handle(.shard, 1)
    note(view, .start, shard: 1, "one")
    #expect(view.shard(shard)?.id == Name("one"))
    #expect(view.shard(shard)?.gateway == handle(.gateway, 0))
    note(view, .stop, shard: 1)
    #expect(view.shard(shard) != nil)
    view.letGo()
    #expect(view.shard(shard) == nil)
  }

  @Test func `the host's pointers are kept for what is there, and refused for what is not`() {
    let view = HostView()
    let pointer = UnsafeMutableRawPointer(bitPattern: 0x1230)
    #expect(!view.setData(pointer, ofSocket: handle(.socket, 7)))
    #expect(!view.setData(pointer, ofShard: handle(.shard, 1)))
    note(view, .start, shard: 1, "one")
    note(view, .open, shard: 1, socket: 7, "ann")
    #expect(view.setData(pointer, ofSocket: handle(.socket, 7)))
    #expect(view.setData(pointer, ofShard: handle(.shard, 1)))
    #expect(view.socket(handle(.socket, 7))?.data == pointer)
    #expect(view.shard(handle(.shard, 1))?.data == pointer)
    #expect(view.setData(nil, ofSocket: handle(.socket, 7)))
    #expect(view.socket(handle(.socket, 7))?.data == nil)
  }

  @Test func `a Shard's sockets are those that were opened and not closed, whatever the order`() {
    var random = TestRandom(for: "HostViewTests")
    let view = HostView()
    for shard in 0..<3 { note(view, .start, shard: shard, "shard \(shard)") }
    var members: [[Int]] = [[], [], []]
    for socket in 0..<3000 {
      let shard = random.below(3)
      if random.once(in: 2), let index = members[shard].indices.randomElement(using: &random) {
        note(view, .close, shard: shard, socket: members[shard].remove(at: index))
      } else {
        note(view, .open, shard: shard, socket: socket, "uid \(socket)")
        members[shard].append(socket)
      }
      if random.once(in: 5) { view.letGo() }
      let seen = view.shard(handle(.shard, shard))?.sockets ?? []
      #expect(Set(seen) == Set(members[shard].map { handle(.socket, $0) }))
      #expect(seen.count == members[shard].count)
    }
  }
}
