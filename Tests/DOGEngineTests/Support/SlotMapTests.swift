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

  @Test func `a slot whose generations are used up is not named anew`() throws {
    let map = makeMap(firstGeneration: Handle.generationMax >> 1)
    var handle = try #require(map.insert(Thing(), as: .receive))
    while handle.generation + 1 < Handle.generationMax {
      #expect(map.claim(handle))
      handle = try #require(map.rename(handle, as: .receive))
    }
    #expect(map.claim(handle) && map.rename(handle, as: .receive) == nil)
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
    let map = makeMap(firstGeneration: Handle.generationMax >> 1)
    var seen: Set<UInt64> = []
    for _ in 0..<1000 {
      let handle = try #require(map.insert(Thing(), as: .socket))
      #expect(seen.insert(handle.rawValue).inserted)
      map.remove(handle)
    }
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
