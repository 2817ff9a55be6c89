import Testing

@testable import DOGEngine

/// A group against a reference that keeps, for each member, the list of what it must get.
@Suite struct GroupRandomTests {
  /// The naive world: every message is put into the list of every receiver.
  final class Reference {
    let member = FanoutSupport.Member()
    var scope = -1
    /// Appended and not delivered.
    var pending: [Int] = []
    /// To be received by now, since the last check.
    var expected: [Int] = []

    func deliver() {
      expected += pending
      pending = []
    }
  }

  struct World {
    var chance: TestRandom
    let group = Group<FanoutSupport.Member>()
    var scopes: [Int] = []
    var inside: [Reference] = []
    var outside: [Reference] = []
    var messages = 0
    var held = 0

    init(seed: UInt64) { chance = TestRandom(seed: seed) }

    /// A message with its number in front and a size of its own.
    private mutating func nextFrame() -> [UInt8] {
      messages += 1
      let size: Int
      switch chance.below(200) {
      case 0: size = 66_000
      case 1...5: size = 3000
      case 6...20: size = 200
      default: size = 8 + chance.below(24)
      }
      var payload = [UInt8](repeating: UInt8(truncatingIfNeeded: messages), count: size)
      for index in 0..<8 { payload[index] = UInt8(truncatingIfNeeded: messages >> (8 * index)) }
      return FanoutSupport.frame(payload, opcode: 2)
    }

    private mutating func someone() -> Reference? {
      inside.isEmpty ? nil : inside[chance.below(inside.count)]
    }

    mutating func step() {
      switch chance.below(100) {
      case 0..<2: addOrRemoveScope()
      case 2..<7: join()
      case 7..<11: leave()
      case 11..<60: say()
      case 60..<72: tell()
      case 72..<74: rejoin()
      default: if chance.once(in: 3) { flush() }
      }
    }

    private mutating func addOrRemoveScope() {
      if scopes.count < 8, chance.once(in: 2) {
        scopes.append(group.addScope())
      } else if let index = scopes.firstIndex(where: { scope in !inside.contains { $0.scope == scope } }) {
        group.removeScope(scopes.remove(at: index))
      }
    }

    private mutating func join() {
      guard !scopes.isEmpty, inside.count < 24 else { return }
      let reference = outside.popLast() ?? Reference()
      reference.scope = scopes[chance.below(scopes.count)]
      group.join(reference.member, scope: reference.scope)
      inside.append(reference)
    }

    private mutating func leave() {
      guard let reference = someone() else { return }
      if chance.once(in: 2) {
        group.catchUp(reference.member)
        reference.deliver()
      }
      group.leave(reference.member)
      reference.pending = []
      reference.scope = -1
      inside.removeAll { $0 === reference }
      outside.append(reference)
    }

    private mutating func rejoin() {
      guard let reference = someone() else { return }
      group.leave(reference.member)
      reference.pending = []
      reference.scope = scopes[chance.below(scopes.count)]
      group.join(reference.member, scope: reference.scope)
    }

    private mutating func say() {
      let sender = chance.once(in: 5) ? nil : someone()
      var scope: Int?
      switch chance.below(10) {
      case 0..<3: scope = sender?.scope
      case 3: scope = scopes.randomElement(using: &chance)
      default: break
      }
      let excluded = chance.once(in: 3) ? nil : sender
      let frame = nextFrame()
      if chance.once(in: 8) {
        let shared = SharedFrame(size: frame.count) { target in
          UnsafeMutableRawBufferPointer(start: target, count: frame.count).copyBytes(from: frame)
        }
        group.append(shared, scope: scope, excluding: excluded?.member)
      } else {
        group.append(size: frame.count, scope: scope, excluding: excluded?.member) { target in
          UnsafeMutableRawBufferPointer(start: target, count: frame.count).copyBytes(from: frame)
        }
      }
      for reference in inside where reference !== excluded && (scope == nil || scope == reference.scope) {
        reference.pending.append(messages)
      }
    }

    private mutating func tell() {
      guard let reference = someone() else { return }
      let calls = reference.member.calls.count
      group.catchUp(reference.member)
      #expect(!reference.member.mores[calls...].contains(false))
      reference.deliver()
      reference.member.received += nextFrame()
      reference.expected.append(messages)
    }

    mutating func flush() {
      let calls = inside.map(\.member.calls.count)
      if inside.contains(where: { !$0.pending.isEmpty }) { #expect(group.isDirty) }
      group.flush()
      #expect(!group.isDirty && group.pendingBytes == 0)
      for (reference, before) in zip(inside, calls) {
        let mores = reference.member.mores[before...]
        let frames = reference.member.frames[before...]
        #expect(mores.last != true && !mores.dropLast().contains(false))
        #expect(frames.reduce(0, +) == reference.pending.count)
        #expect(mores.isEmpty == reference.pending.isEmpty)
        reference.deliver()
      }
      check()
    }

    private mutating func check() {
      #expect(group.memberCount == inside.count)
      #expect(Set(group.occupied) == Set(inside.map(\.scope)) && group.occupied.count == Set(group.occupied).count)
      for scope in scopes {
        let count = inside.count { $0.scope == scope }
        #expect(group.count(scope: scope) == count)
      }
      for reference in inside + outside {
        let member = reference.member
        let payloads = FanoutSupport.payloads(member.received[...])
        let numbers = payloads?.map { payload in payload.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } }
        #expect(numbers == reference.expected)
        #expect(member.seat.firstSkip == -1 && member.seat.lastSkip == -1)
        for held in member.held {
          #expect(held.bytes.base == held.base && FanoutSupport.contents(held.bytes, held.range) == held.content)
        }
        if chance.once(in: 4) { member.held = [] }
        member.holds = chance.once(in: 12)
        reference.expected = []
        member.forget()
      }
    }
  }

  @Test(arguments: TestRandom.seeds(3))
  func `S4 each member gets what it must, in order, over random turns`(seed: UInt64) {
    print("GroupRandomTests seed \(seed)")
    var world = World(seed: seed)
    for _ in 0..<30_000 { world.step() }
    world.flush()
    #expect(world.messages > 10_000)
  }
}
