import Synchronization
import Testing

@testable import DOGEngine

@Suite struct MailboxTests {
  @Test func `the first message after the reader came wakes it, the others do not`() {
    let mailbox = Mailbox<Int>()
    var taken = Mailbox<Int>.Mail()
    for _ in 0..<2 {
      #expect(mailbox.send(1) == .first)
      #expect(mailbox.send(2) == .queued)
      #expect(mailbox.send(3) == .queued)
      mailbox.takeAll(into: &taken)
      #expect(taken.messages == [1, 2, 3])
      taken.removeAll()
    }
  }

  @Test func `closed, it takes nothing and gives back what waits`() {
    let mailbox = Mailbox<Int>()
    _ = mailbox.send(1)
    _ = mailbox.send(2)
    #expect(mailbox.close().messages == [1, 2])
    #expect(mailbox.send(3) == .closed)
    #expect(mailbox.close().messages == [])
    var taken = Mailbox<Int>.Mail()
    mailbox.takeAll(into: &taken)
    #expect(taken.messages == [])
  }

  /// What a mailbox of numbers had in it, with each run in place of the 0 that stands for it.
  private func contents(_ mail: borrowing Mailbox<Int>.Mail) -> [String] {
    var run = 0
    return mail.messages.map { message in
      guard message == 0 else { return "\(message)" }
      defer { run += 1 }
      return String(decoding: mail.run(run), as: UTF8.self)
    }
  }

  @discardableResult
  private func send(_ text: String, to mailbox: Mailbox<Int>) -> Mailbox<Int>.Sent {
    mailbox.send(text.utf8.count, inRunOf: 0, bytes: 1) { place in
      for (index, byte) in text.utf8.enumerated() { place.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }
    }
  }

  @Test func `bytes with no message between them come as one run, in their place among the messages`() {
    let mailbox = Mailbox<Int>()
    var taken = Mailbox<Int>.Mail()
    for _ in 0..<2 {
      #expect(send("a", to: mailbox) == .first)
      #expect(send("b", to: mailbox) == .queued)
      #expect(mailbox.send(1) == .queued)
      #expect(mailbox.send(2) == .queued)
      #expect(send("", to: mailbox) == .queued)
      #expect(send("c", to: mailbox) == .queued)
      #expect(mailbox.bytesWaiting == 4)
      mailbox.takeAll(into: &taken)
      #expect(contents(taken) == ["ab", "1", "2", "c"])
      taken.removeAll()
    }
    #expect(send("d", to: mailbox) == .first)
    #expect(contents(mailbox.close()) == ["d"])
    #expect(send("e", to: mailbox) == .closed)
  }

  @Test func `a limited number of bytes waits in runs, and a message goes in their place`() {
    let mailbox = Mailbox<Int>()
    var taken = Mailbox<Int>.Mail()
    for _ in 0..<2 {
      let most = String(repeating: "x", count: Mailbox<Int>.runBytesMax - 1)
      #expect(send(most, to: mailbox) == .first)
      #expect(send("yz", to: mailbox) == .runsAreFull)
      #expect(mailbox.send(1) == .queued)
      #expect(send("y", to: mailbox) == .queued)
      #expect(send("z", to: mailbox) == .runsAreFull)
      #expect(mailbox.bytesWaiting == 2)
      mailbox.takeAll(into: &taken)
      #expect(contents(taken) == [most, "1", "y"])
      taken.removeAll()
    }
  }

  @Test func `runs of any length keep their place and their bytes`() {
    var random = TestRandom(for: "MailboxTests")
    let mailbox = Mailbox<Int>()
    var taken = Mailbox<Int>.Mail()
    for _ in 0..<200 {
      var expected: [String] = []
      var isInRun = false
      for number in 1...(1 + random.below(30)) {
        if random.once(in: 3) {
          _ = mailbox.send(number)
          expected.append("\(number)")
          isInRun = false
        } else {
          let text = String(repeating: "\(number % 10)", count: random.below(random.once(in: 40) ? 5_000 : 300))
          send(text, to: mailbox)
          if isInRun { expected[expected.count - 1] += text } else { expected.append(text) }
          isInRun = true
        }
      }
      mailbox.takeAll(into: &taken)
      #expect(contents(taken) == expected, "DOG_SEED=\(random.seed)")
      taken.removeAll()
    }
  }

  @Test func `bytes wait until they are taken`() {
    let mailbox = Mailbox<Int>()
    _ = mailbox.send(1, bytes: 10)
    _ = mailbox.send(2)
    _ = mailbox.send(3, bytes: 5)
    #expect(mailbox.bytesWaiting == 15)
    var taken = Mailbox<Int>.Mail()
    mailbox.takeAll(into: &taken)
    #expect(mailbox.bytesWaiting == 0)
  }

  /// For as long as it takes to meet in every way, where each has a processor of its own.
  @Test func `an empty mailbox has no bytes waiting, however a sender and the reader meet`() {
    final class Meeting: Sendable {
      let mailbox = Mailbox<Int>()
      let round = Atomic(0)
      let isOver = Atomic(false)
    }
    let meeting = Meeting()
    let sender = ForeignThread {
      var round = 0
      while !meeting.isOver.load(ordering: .acquiring) {
        guard meeting.round.load(ordering: .acquiring) == round else { continue }
        round += 1
        _ = meeting.mailbox.send(round, bytes: 10)
      }
    }
    let end = ContinuousClock.now + .milliseconds(300)
    var wrong = 0
    while ContinuousClock.now < end {
      var taken = Mailbox<Int>.Mail()
      while taken.messages.isEmpty { meeting.mailbox.takeAll(into: &taken) }
      if meeting.mailbox.bytesWaiting != 0 { wrong += 1 }
      meeting.round.add(1, ordering: .acquiringAndReleasing)
    }
    meeting.isOver.store(true, ordering: .releasing)
    #expect(sender.join())
    #expect(wrong == 0)
  }

  @Test func `each sender's messages come in its order, each exactly once, and every burst has one first`() {
    struct Message: Sendable {
      let sender: Int
      let number: Int
    }
    let mailbox = Mailbox<Message>()
    let firsts = Watched(0)
    for sender in 0..<4 {
      ForeignThread {
        for number in 0..<5_000 where mailbox.send(Message(sender: sender, number: number)) == .first {
          firsts.change { $0 += 1 }
        }
      }
    }
    var next = [0, 0, 0, 0]
    var bursts = 0
    while next.reduce(0, +) < 20_000 {
      // Woken, as a worker is: who does not wake the reader leaves messages behind.
      guard firsts.wait(until: { $0 > bursts }) else { break }
      var taken = Mailbox<Message>.Mail()
      mailbox.takeAll(into: &taken)
      bursts += 1
      for message in taken.messages {
        #expect(message.number == next[message.sender])
        next[message.sender] += 1
      }
    }
    #expect(next == [5_000, 5_000, 5_000, 5_000])
  }
}
