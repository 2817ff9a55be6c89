import Testing

@testable import DOGEngine

/// One turn at a time, in words. Random ones are in GroupRandomTests.
@Suite struct GroupTests {
  typealias Member = FanoutSupport.Member
  let group = Group<Member>()
  let one: Int
  let two: Int
  let ann = Member("ann")
  let bob = Member("bob")
  let cyd = Member("cyd")

  /// ann and bob are in scope one, cyd in scope two.
  init() {
    one = group.addScope()
    two = group.addScope()
    group.join(ann, scope: one)
    group.join(bob, scope: one)
    group.join(cyd, scope: two)
  }

  private func texts() -> [[String]] { [ann.texts, bob.texts, cyd.texts] }

  @Test func `S4 a broadcast reaches all but its sender`() {
    group.say("hello", from: ann)
    group.flush()
    #expect(texts() == [[], ["hello"], ["hello"]])
  }

  @Test func `S4 a broadcast to self reaches its sender too`() {
    group.say("hello", from: ann, toSelf: true)
    group.flush()
    #expect(texts() == [["hello"], ["hello"], ["hello"]])
  }

  @Test func `S7 a broadcast without a sender reaches all`() {
    group.say("hello")
    group.flush()
    #expect(texts() == [["hello"], ["hello"], ["hello"]])
  }

  @Test func `S4 an emit reaches its scope alone, less the sender`() {
    group.say("here", from: ann, scope: one)
    group.say("there", scope: two)
    group.flush()
    #expect(texts() == [[], ["here"], ["there"]])
  }

  @Test func `an emit to another scope than the sender's excludes nobody there`() {
    group.say("over", from: ann, scope: two)
    group.flush()
    #expect(texts() == [[], [], ["over"]])
  }

  @Test func `S4 emits and broadcasts of one sender keep their order`() {
    group.say("1", from: cyd)
    group.say("2", from: ann, scope: one)
    group.say("3", from: ann, scope: one)
    group.say("4", from: ann)
    group.say("5", from: cyd, toSelf: true, scope: two)
    group.say("6", from: ann, toSelf: true, scope: one)
    group.say("7", from: bob)
    group.flush()
    #expect(texts() == [["1", "6", "7"], ["1", "2", "3", "4", "6"], ["4", "5", "7"]])
  }

  @Test func `all excluding their own get the others' in order`() {
    for text in ["1", "2"] { for member in [ann, bob, cyd] { group.say(member.name + text, from: member) } }
    group.flush()
    #expect(ann.texts == ["bob1", "cyd1", "bob2", "cyd2"])
    #expect(bob.texts == ["ann1", "cyd1", "ann2", "cyd2"])
    #expect(cyd.texts == ["ann1", "bob1", "ann2", "bob2"])
  }

  @Test func `a member that excluded nothing is called once with all of it`() {
    for text in ["1", "2", "3"] { group.say(text, from: ann) }
    group.flush()
    #expect(bob.frames == [3])
    #expect(bob.mores == [false])
    #expect(ann.calls.isEmpty)
  }

  @Test func `more is true on every call of a flush but the last`() {
    for sender in [bob, ann, bob, ann, ann, bob] { group.say(".", from: sender) }
    group.flush()
    #expect(ann.frames == [1, 1, 1])
    #expect(ann.mores == [true, true, false])
    #expect(bob.frames == [1, 2])
    #expect(bob.mores == [true, false])
    #expect(cyd.frames == [6])
  }

  @Test(arguments: [false, true]) func `S2 who joins in mid-turn gets only what comes after`(anEmitBefore: Bool) {
    group.say("before")
    if anEmitBefore { group.say("before, emitted", scope: two) }
    let dee = Member("dee")
    group.join(dee, scope: two)
    group.say("after", from: dee, toSelf: true)
    group.say("after, emitted", scope: two)
    group.flush()
    #expect(dee.texts == ["after", "after, emitted"])
    #expect(ann.texts == ["before", "after"])
    group.say("next turn")
    group.flush()
    #expect(dee.texts == ["after", "after, emitted", "next turn"])
  }

  @Test func `who leaves in mid-turn gets nothing of it`() {
    group.say("never seen")
    group.leave(bob)
    group.say("nor this")
    group.flush()
    #expect(texts() == [["never seen", "nor this"], [], ["never seen", "nor this"]])
    #expect(group.memberCount == 2)
    #expect(group.count(scope: one) == 1)
  }

  @Test func `who caught up and leaves got what was before`() {
    group.say("seen")
    group.catchUp(bob)
    group.leave(bob)
    group.say("not seen")
    group.flush()
    #expect(bob.texts == ["seen"])
  }

  @Test func `who leaves and comes back in one turn gets what comes after`() {
    group.say("1", from: bob)
    group.leave(bob)
    group.say("2")
    group.join(bob, scope: two)
    group.say("3", scope: two)
    group.flush()
    #expect(bob.texts == ["3"])
    #expect(cyd.texts == ["1", "2", "3"])
  }

  @Test func `leaving twice or without having joined does nothing`() {
    group.leave(bob)
    group.leave(bob)
    group.leave(Member())
    #expect(group.memberCount == 2)
  }

  @Test func `S4 a direct send after catching up comes in its place`() {
    group.say("1")
    group.tell(bob, "2, to bob")
    group.say("3", from: bob)
    group.tell(bob, "4, to bob")
    group.say("5", scope: one)
    group.tell(bob, "6, to bob")
    group.tell(bob, "7, to bob")
    group.say("8")
    group.flush()
    #expect(bob.texts == ["1", "2, to bob", "4, to bob", "5", "6, to bob", "7, to bob", "8"])
    #expect(ann.texts == ["1", "3", "5", "8"])
    #expect(cyd.texts == ["1", "3", "8"])
  }

  @Test func `catching up says that more follows, and delivers nothing twice`() {
    group.say("1")
    group.say("2", from: ann)
    group.say("3")
    group.catchUp(ann)
    group.catchUp(ann)
    #expect(ann.frames == [1, 1])
    #expect(ann.mores == [true, true])
    group.flush()
    #expect(ann.texts == ["1", "3"])
    #expect(ann.calls.count == 2)
  }

  @Test func `a broadcast from another worker takes its place among the others`() {
    let far = FanoutSupport.frame("far") + FanoutSupport.frame("away")
    let frame = SharedFrame(size: far.count, messages: 2) { target in
      far.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: target, count: far.count).copyMemory(from: $0) }
    }
    group.say("near", from: ann)
    group.append(frame)
    group.flush()
    #expect(texts() == [["far", "away"], ["near", "far", "away"], ["near", "far", "away"]])
    #expect(bob.frames == [3])
  }

  @Test func `what nobody would get is not even encoded`() {
    let lone = Group<Member>()
    let scope = lone.addScope()
    let empty = lone.addScope()
    let only = Member()
    var encoded = 0
    lone.append(size: 2, scope: nil, excluding: nil) { _ in encoded += 1 }
    lone.join(only, scope: scope)
    lone.append(size: 2, scope: nil, excluding: only) { _ in encoded += 1 }
    lone.append(size: 2, scope: scope, excluding: only) { _ in encoded += 1 }
    lone.append(size: 2, scope: empty, excluding: nil) { _ in encoded += 1 }
    #expect(encoded == 0)
    #expect(!lone.isDirty)
    #expect(lone.pendingBytes == 0)
  }

  @Test func `a sender that has left excludes nobody`() {
    group.leave(ann)
    group.say("bye", from: ann)
    group.flush()
    #expect(texts() == [[], ["bye"], ["bye"]])
  }

  @Test func `flushing nothing calls nobody`() {
    group.flush()
    group.say("hello")
    group.flush()
    group.flush()
    #expect(ann.calls.count == 1)
    #expect(!group.isDirty)
    #expect(group.pendingBytes == 0)
  }

  @Test func `a batch of emits alone calls no other scope`() {
    group.say("here", scope: one)
    #expect(group.isDirty)
    group.flush()
    #expect(ann.calls.count == 1)
    #expect(cyd.calls.isEmpty)
  }

  @Test func `a removed scope's number is used again and its emits are gone`() {
    group.say("lost", scope: two)
    group.leave(cyd)
    group.removeScope(two)
    let again = group.addScope()
    #expect(again == two)
    group.join(cyd, scope: again)
    group.say("found", scope: again)
    group.flush()
    #expect(cyd.texts == ["found"])
  }

  @Test func `forEachMember meets each once, and members may leave from inside`() {
    var met: [String] = []
    group.forEachMember(scope: nil) { met.append($0.name) }
    #expect(met.sorted() == ["ann", "bob", "cyd"])
    met = []
    group.forEachMember(scope: one) {
      met.append($0.name)
      group.leave($0)
    }
    #expect(met.sorted() == ["ann", "bob"])
    #expect(group.memberCount == 1)
  }

  @Test func `a flush looks at the scopes that have members, and at none that ever was`() {
    var scopes: [Int] = []
    for _ in 0..<1000 {
      let scope = group.addScope()
      let member = FanoutSupport.Member()
      group.join(member, scope: scope)
      group.say("in passing", scope: scope)
      group.leave(member)
      scopes.append(scope)
    }
    #expect(group.occupied.sorted() == [one, two])
    group.say("to all")
    group.flush()
    #expect(ann.texts == ["to all"] && cyd.texts == ["to all"])
    for scope in scopes { group.removeScope(scope) }
    group.leave(ann)
    #expect(group.occupied.sorted() == [one, two])
    group.leave(bob)
    #expect(group.occupied == [two])
  }
}
