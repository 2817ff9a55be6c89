import Synchronization
import Testing

@testable import DOGEngine

@Suite struct SlotMapTests {
  final class Thing: Sendable {}

  private func makeMap(firstGeneration: UInt32 = 1) -> SlotMap<Thing> {
    SlotMap(engine: 7, worker: 3, firstGeneration: firstGeneration)
  }

  @Test func `a handle tells what it names`() throws {
    let handle = try #require(makeMap(firstGeneration: 5).insert(Thing(), as: .shard))
    #expect(handle.kind == .shard)
    #expect(handle.engine == 7 && handle.worker == 3 && handle.slot == 0 && handle.generation == 5)
    #expect(Handle(rawValue: handle.rawValue) == handle)
  }

  @Test func `a handle finds its object until that is removed`() throws {
    let map = makeMap()
    let thing = Thing()
    let handle = try #require(map.insert(thing, as: .socket))
    #expect(map.find(handle) === thing && map.isCurrent(handle) && map.count == 1)
    map.remove(handle)
    #expect(map.find(handle) == nil && !map.isCurrent(handle) && map.count == 0)
    map.remove(handle)
    #expect(map.count == 0)
  }

  @Test func `the next object of a slot has another handle`() throws {
    let map = makeMap()
    let first = try #require(map.insert(Thing(), as: .socket))
    map.remove(first)
    let second = try #require(map.insert(Thing(), as: .socket))
    #expect(first.slot == second.slot && first != second)
    #expect(map.find(first) == nil && map.find(second) != nil)
  }

  @Test func `an invented handle finds nothing, whichever bit of a true one is changed`() throws {
    let map = makeMap()
    let handle = try #require(map.insert(Thing(), as: .gossip))
    // The bits of engine and worker lead to a map, and are not looked at in it.
    for bit in (0..<46).map({ UInt64($0) }) + [60, 61, 62, 63] {
      let invented = Handle(rawValue: handle.rawValue ^ 1 << bit)
      #expect(map.find(invented) == nil && !map.isCurrent(invented) && !map.claim(invented), "bit \(bit)")
    }
    #expect(map.isCurrent(handle))
  }

  @Test func `an object that is claimed is named anew in its slot, and its old handle stays stale`() throws {
    let map = makeMap()
    let thing = Thing()
    let old = try #require(map.insert(thing, as: .identify))
    #expect(map.rename(old, as: .receive) == nil && map.find(old) === thing)
    #expect(map.claim(old))
    let new = try #require(map.rename(old, as: .receive))
    #expect(new.kind == .receive && new.slot == old.slot && new != old)
    #expect(map.find(new) === thing && map.count == 1)
    #expect(map.find(old) == nil && map.claimed(old) == nil && !map.claim(old))
    #expect(map.rename(old, as: .receive) == nil)
    map.remove(old)
    #expect(map.find(new) === thing)
    map.remove(new)
    #expect(map.count == 0)
  }

  @Test func `a claim is won once, and the object stays for the winner`() throws {
    let map = makeMap()
    let thing = Thing()
    let handle = try #require(map.insert(thing, as: .receive))
    #expect(map.claim(handle))
    #expect(!map.claim(handle) && map.find(handle) == nil && !map.isCurrent(handle))
    #expect(map.claimed(handle) === thing)
    map.remove(handle)
    #expect(map.claimed(handle) == nil && map.count == 0)
  }

  @Test func `of several threads that claim one handle one wins`() async throws {
    let map = makeMap()
    for _ in 0..<200 {
      let handle = try #require(map.insert(Thing(), as: .receive))
      let winners = await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<4 { group.addTask { map.claim(handle) } }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(winners == 1)
      map.remove(handle)
    }
  }

  @Test func `a slot whose generations are used up is not used again`() throws {
    let map = makeMap(firstGeneration: Handle.generationMax - 500)
    var slots: Set<Int> = []
    var seen: Set<UInt64> = []
    for _ in 0..<1_200 {
      let handle = try #require(map.insert(Thing(), as: .socket))
      #expect(seen.insert(handle.rawValue).inserted)
      slots.insert(handle.slot)
      map.remove(handle)
    }
    #expect(slots == [0, 1, 2])
  }

  @Test func `an object that is named anew moves on when the generations of its slot are used up`() throws {
    let map = makeMap(firstGeneration: Handle.generationMax - 500)
    let thing = Thing()
    var handle = try #require(map.insert(thing, as: .identify))
    let slot = handle.slot
    var renamings = 0
    while handle.slot == slot, renamings <= 1000 {
      guard map.claim(handle), let next = map.rename(handle, as: .receive) else { break }
      handle = next
      renamings += 1
    }
    #expect(handle.slot != slot && renamings == 500)
    // It is there once, and nothing is left of it where it was.
    #expect(map.count == 1 && map.find(handle) === thing)
    var seen = 0
    map.forEach { _ in seen += 1 }
    #expect(seen == 1)
    map.remove(handle)
    #expect(map.count == 0)
  }

  @Test func `random inserts and removes agree with a dictionary`() throws {
    var random = TestRandom(for: "SlotMap")
    let map = makeMap()
    var live: [Handle: Thing] = [:]
    var gone: [Handle] = []
    for _ in 0..<50_000 {
      if live.isEmpty || random.next() % 5 < 3 {
        let thing = Thing()
        let handle = try #require(map.insert(thing, as: .socket))
        #expect(live.updateValue(thing, forKey: handle) == nil)
      } else if let (handle, _) = live.randomElement(using: &random) {
        live[handle] = nil
        map.remove(handle)
        gone.append(handle)
      }
      if let (handle, thing) = live.first { #expect(map.find(handle) === thing) }
      if let handle = gone.randomElement(using: &random) { #expect(map.find(handle) == nil) }
      #expect(map.count == live.count)
    }
  }
}
