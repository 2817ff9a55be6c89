import Testing

@testable import DOGEngine

@Suite struct TurnQueueTests {
  @Test func `first come, first served, over random steps`() {
    var random = TestRandom(for: "TurnQueue")
    var queue = TurnQueue<Int>()
    var reference: [Int] = []
    var next = 0
    for step in 0..<60_000 {
      // It grows to some thousands, then shrinks, and so on.
      if random.below(10) < (step / 10_000 % 2 == 0 ? 7 : 3) {
        queue.append(next)
        reference.append(next)
        next += 1
      } else {
        let first = reference.isEmpty ? nil : reference.removeFirst()
        let popped = queue.popFirst()
        #expect(popped == first)
      }
      let (count, isEmpty, first) = (queue.count, queue.isEmpty, queue.first)
      #expect(count == reference.count && isEmpty == reference.isEmpty && first == reference.first)
    }
    while let first = queue.popFirst() { #expect(first == reference.removeFirst()) }
    let (isEmpty, last) = (queue.isEmpty, queue.popFirst())
    #expect(reference.isEmpty && isEmpty && last == nil)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 1000, 70_000])
  func `each element is let go once, popped or not`(_ count: Int) {
    final class Element {}
    var kept: [Unowned] = []
    do {
      var queue = TurnQueue<Element>()
      for _ in 0..<count {
        let element = Element()
        kept.append(Unowned(element))
        queue.append(element)
      }
      for index in 0..<count / 2 {
        _ = queue.popFirst()
        #expect(kept[index].object == nil)
      }
      #expect(kept.last.map { $0.object != nil } ?? true)
    }
    #expect(kept.allSatisfy { $0.object == nil })
  }

  private struct Unowned {
    weak var object: AnyObject?
    init(_ object: AnyObject) { self.object = object }
  }
}
