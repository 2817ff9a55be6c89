import Testing

@testable import DOGEngine

@Suite struct RemindersTests {
  private func handle(_ slot: Int) -> Handle {
    Handle(kind: .socket, engine: 1, worker: 0, slot: slot, generation: 1)
  }

  @Test func `one that is asked for again comes after all that is due already`() {
    var reminders = Reminders()
    _ = reminders.insert(handle(1), at: 100, now: 0)
    _ = reminders.insert(handle(2), at: 100, now: 0)
    reminders.advance(to: 1000)
    let first = reminders.popDue()
    if let first { reminders.again(first) }
    #expect(first != nil)
    #expect(reminders.popDue() != first)
    #expect(reminders.popDue() == first)
    #expect(reminders.popDue() == nil)
  }

  @Test func `each reminder comes once, never early, unless it was taken back`() {
    var random = TestRandom(seed: 7)
    var reminders = Reminders()
    var now: UInt64 = 0
    var waiting: [Handle: (reminder: Int, time: UInt64)] = [:]
    var due = 0
    for slot in 0..<20_000 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6:
        let time = now + UInt64.random(in: 0...5000, using: &random)
        waiting[handle(slot)] = (reminders.insert(handle(slot), at: time, now: now), time)
      case 6:
        if let (taken, found) = waiting.first, found.time > now {
          reminders.remove(found.reminder, of: taken)
          // One that is due already comes all the same.
          waiting[taken] = nil
        }
      default:
        now += UInt64.random(in: 0...200, using: &random)
        reminders.advance(to: now)
        // Some are left for later, as a turn does that has given enough.
        for _ in 0..<Int.random(in: 0...20, using: &random) {
          guard let handle = reminders.popDue() else { break }
          let time = waiting.removeValue(forKey: handle)?.time
          #expect(time.map { $0 <= now } == true, "came twice, early or after it was taken back")
          due += 1
        }
      }
    }
    reminders.advance(to: now + 10_000)
    while let handle = reminders.popDue() {
      #expect(waiting.removeValue(forKey: handle) != nil)
      due += 1
    }
    #expect(waiting.isEmpty)
    #expect(due > 5000)
  }
}
