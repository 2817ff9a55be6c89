import Testing

@testable import DOGEngine

/// Whose memory the bytes of a batch are, and when it is used again.
@Suite struct GroupMemoryTests {
  typealias Member = FanoutSupport.Member
  let pool = BytesPool()
  let group: Group<Member>
  let scope: Int
  let ann = Member("ann")
  let bob = Member("bob")

  init() {
    group = Group(pool: pool)
    scope = group.addScope()
    group.join(ann, scope: scope)
    group.join(bob, scope: group.addScope())
  }

  @Test func `a batch that nobody holds goes back to the pool, and the next one is made of it`() {
    for _ in 0..<10 {
      group.say("hello")
      #expect(pool.spareBytes == 0)
      group.flush()
      #expect(pool.spareBytes == 512)
    }
  }

  @Test func `a batch that a slow member holds does not go back to the pool`() {
    bob.holds = true
    group.say("hello")
    group.flush()
    #expect(pool.spareBytes == 0)
  }

  @Test func `what a slow member holds is not written over`() {
    bob.holds = true
    for turn in 0..<20 {
      group.say("broadcast \(turn)", from: turn % 3 == 0 ? ann : nil)
      group.say("emit \(turn)", scope: scope)
      group.flush()
    }
    for held in bob.held { #expect(FanoutSupport.contents(held.bytes, held.range) == held.content) }
  }

  @Test func `bytes that a member caught up with do not move when the batch outgrows its storage`() {
    ann.holds = true
    group.say("early")
    group.say("early, emitted", scope: scope)
    group.catchUp(ann)
    let held = ann.held
    for _ in 0..<100 {
      group.say(String(repeating: "x", count: 500))
      group.say(String(repeating: "y", count: 500), scope: scope)
      group.catchUp(ann)
    }
    group.flush()
    #expect(!held.isEmpty)
    for held in ann.held {
      #expect(held.bytes.base == held.base)
      #expect(FanoutSupport.contents(held.bytes, held.range) == held.content)
    }
  }

  @Test func `a huge batch is given back to the system`() {
    let huge = String(repeating: "x", count: 4 << 20)
    group.say(huge)
    group.flush()
    #expect(bob.received.count == FanoutSupport.frame(huge).count)
    #expect(pool.spareBytes == 0)
  }

  @Test func `pending bytes are those of the batch`() {
    let frame = FanoutSupport.frame("hello").count
    group.say("hello")
    group.say("hello", scope: scope)
    #expect(group.pendingBytes == 2 * frame)
    group.catchUp(ann)
    #expect(group.pendingBytes == 4 * frame, "and of the view that catching up needed")
    group.flush()
    #expect(group.pendingBytes == 0)
  }

  @Test func `a seat is small`() {
    #expect(MemoryLayout<Seat>.size <= 24)
  }
}
