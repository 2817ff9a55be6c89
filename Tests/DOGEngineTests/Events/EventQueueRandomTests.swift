import Testing

@testable import DOGEngine

/// A queue against a plain list, step by step: writers hand over batches of any size, a host takes any number.
@Suite struct EventQueueRandomTests {
  private struct Expected {
    let writer: Int
    let number: UInt64
    let bytes: [UInt8]
    let isTold: Bool
  }

  @Test func `whatever is put in comes out, once, in order, and the limits are told of`() throws {
    var random = TestRandom(for: "EventQueueRandomTests")
    for _ in 0..<200 { try run(&random) }
  }

  private func run(_ random: inout TestRandom) throws {
    let countMax = 1 + random.below(200)
    let bytesMax = 1024 + random.below(8192)
    let queue = try EventQueue(countMax: countMax, bytesMax: bytesMax)
    let reader = QueueReader(queue: queue)
    var holding: Set<Int> = []
    // Written by the queue while it is polled below, on this thread.
    nonisolated(unsafe) var goesOn: [Int] = []
    queue.onRoom = { goesOn.append($0) }
    let writers = (0..<3).map { EventWriter(queue, worker: $0) }
    nonisolated(unsafe) var full: [Int] = []
    for (index, writer) in writers.enumerated() { writer.onFull = { full.append(index) } }
    var pending: [[Expected]] = [[], [], []]
    var waiting: [Expected] = []
    var number: UInt64 = 0

    func checkFullness() {
      let isFull =
        waiting.count >= countMax || waiting.reduce(0) { $0 + $1.bytes.count } >= bytesMax
      #expect(full.isEmpty == !isFull)
      holding.formUnion(full)
      full = []
    }

    for _ in 0..<300 {
      switch random.below(3) {
      case 0:
        let writer = random.below(3)
        for _ in 0...random.below(random.once(in: 10) ? 200 : 4) {
          let kind: EventRecord.Kind = random.once(in: 4) ? .forget : .message
          let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: random.below(40))
          var record = EventRecord(kind)
          record.number = number
          bytes.withUnsafeBytes { writers[writer].add(record, $0, nil) }
          pending[writer].append(
            Expected(writer: writer, number: number, bytes: bytes, isTold: kind == .message))
          number += 1
        }
      case 1:
        let writer = random.below(3)
        guard !pending[writer].isEmpty else { continue }
        writers[writer].flush()
        waiting += pending[writer]
        pending[writer] = []
        checkFullness()
      default:
        let capacity = 1 + random.below(random.once(in: 3) ? 400 : 20)
        let taken = try reader.take(capacity)
        var told = waiting.filter(\.isTold)
        #expect(taken.count == min(capacity, told.count))
        for (record, bytes) in taken {
          let expected = told.removeFirst()
          #expect(record.number == expected.number)
          #expect(bytes == expected.bytes)
        }
        // What is not told goes with what is before it, and with the rest where all was taken.
        if let last = taken.last?.record.number, taken.count == capacity {
          while let first = waiting.first {
            waiting.removeFirst()
            if first.number == last { break }
          }
        } else {
          waiting = []
        }
        let bytes = waiting.reduce(0) { $0 + $1.bytes.count }
        if waiting.count <= countMax / 2, bytes <= bytesMax / 2 {
          #expect(Set(goesOn) == holding)
          holding = []
        } else {
          #expect(goesOn.isEmpty)
        }
        goesOn = []
        let left = waiting.filter(\.isTold).count
        #expect(queue.count == left)
        if left > 0 { #expect(reader.isReadable) }
        if waiting.isEmpty { #expect(!reader.isReadable) }
      }
    }
  }
}
