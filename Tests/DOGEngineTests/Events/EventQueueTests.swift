import Testing

@testable import DOGEngine

@Suite struct EventQueueTests {
  private func make(count: Int = 100, bytes: Int = 10_000) throws -> (EventQueue, QueueReader) {
    let queue = try EventQueue(countMax: count, bytesMax: bytes)
    return (queue, QueueReader(queue: queue))
  }

  @Test(arguments: [1, 2, 3, 7, 100]) func `events come in their order, each once, however many are asked for`(
    capacity: Int
  ) throws {
    let (queue, reader) = try make(count: 1000)
    for number in 0..<200 { queue.put(.numbered(number), [UInt8](repeating: UInt8(number), count: number), from: 0) }
    var next = 0
    while next < 200 {
      let taken = try reader.take(capacity)
      #expect(taken.count == min(capacity, 200 - next))
      for (record, bytes) in taken {
        #expect(record.number == UInt64(next))
        #expect(bytes == [UInt8](repeating: UInt8(next), count: next))
        next += 1
      }
    }
    #expect(try reader.take().isEmpty)
  }

  @Test func `the descriptor is readable exactly while something waits`() throws {
    let (queue, reader) = try make()
    #expect(!reader.isReadable)
    for _ in 0..<3 {
      for number in 0..<3 { queue.put(.numbered(number), from: 0) }
      for left in [2, 1, 0] {
        #expect(reader.isReadable)
        #expect(try reader.take(1).count == 1)
        #expect(queue.count == left)
      }
      #expect(!reader.isReadable)
    }
  }

  @Test func `what the host does not see wakes it only when there is much of it`() throws {
    let (queue, reader) = try make(count: 1000)
    for number in 0..<64 { queue.put(.numbered(number, .forget), from: 0) }
    #expect(!reader.isReadable)
    #expect(queue.count == 0)
    queue.put(.numbered(64, .forget), from: 0)
    #expect(reader.isReadable)
    #expect(try reader.take().isEmpty)
    #expect(!reader.isReadable)
  }

  @Test func `what the host does not see wakes it when the queue is full with it`() throws {
    let (queue, reader) = try make(count: 2)
    queue.put(.numbered(0, .forget), from: 0)
    #expect(!reader.isReadable)
    #expect(queue.put(.numbered(1, .forget), from: 0))
    #expect(reader.isReadable)
  }

  @Test func `nothing comes after the last event, be it there already`() throws {
    let (queue, reader) = try make()
    queue.put(.numbered(0, .stopped), from: 0)
    queue.put(.numbered(1, .log), from: 0)
    #expect(try reader.take().map(\.record.number) == [0])
  }

  @Test func `what the host does not see wakes it where much memory goes with it`() throws {
    let (queue, reader) = try make(count: 1000)
    var forget = EventRecord(.forget)
    forget.kept = 700_000
    #expect(!queue.put(forget, from: 0), "it is to go, and holds nobody back")
    #expect(!reader.isReadable)
    #expect(!queue.put(forget, from: 0))
    #expect(reader.isReadable)
    #expect(try reader.take().isEmpty)
    #expect(!queue.put(forget, from: 0))
    #expect(!reader.isReadable)
  }

  @Test func `E2 what an event keeps in memory counts as its bytes do`() throws {
    let (queue, reader) = try make(bytes: 1024)
    var toldToGoOn: [Int] = []
    queue.onRoom = { toldToGoOn.append($0) }
    var question = EventRecord(.identify)
    question.kept = 600
    #expect(!queue.put(question, [UInt8](repeating: 0, count: 10), from: 1))
    #expect(queue.put(question, from: 1))
    #expect(try reader.take(1).count == 1)
    #expect(toldToGoOn == [])
    #expect(try reader.take(1).count == 1)
    #expect(toldToGoOn == [1])
  }

  @Test func `E2 at its count a worker is told to hold back, and to go on when half of it is taken`() throws {
    let (queue, reader) = try make(count: 10)
    var toldToGoOn: [Int] = []
    queue.onRoom = { toldToGoOn.append($0) }
    for number in 0..<9 { #expect(!queue.put(.numbered(number), from: 3)) }
    #expect(queue.put(.numbered(9), from: 3))
    #expect(queue.put(.numbered(10), from: 0))
    #expect(try reader.take(5).count == 5)
    #expect(toldToGoOn == [])
    #expect(try reader.take(1).count == 1)
    #expect(toldToGoOn == [0, 3])
    #expect(try reader.take().count == 5)
    #expect(toldToGoOn == [0, 3], "told once")
  }

  @Test func `E2 at its bytes too`() throws {
    let (queue, reader) = try make(bytes: 1024)
    var toldToGoOn: [Int] = []
    queue.onRoom = { toldToGoOn.append($0) }
    #expect(!queue.put(.numbered(0), [UInt8](repeating: 0, count: 1023), from: 1))
    #expect(queue.put(.numbered(1), [0], from: 1))
    #expect(try reader.take(1).count == 1)
    #expect(toldToGoOn == [1])
  }

  @Test func `E2 a line of the log that finds it full is left out, the end is not`() throws {
    let (queue, reader) = try make(count: 2)
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(queue.put(.numbered(0, .log), none, evenIfFull: false))
    #expect(queue.put(.numbered(1, .log), none, evenIfFull: false))
    #expect(!queue.put(.numbered(2, .log), none, evenIfFull: false))
    #expect(queue.put(.numbered(3, .stopped), none, evenIfFull: true))
    #expect(try reader.take().map(\.record.number) == [0, 1, 3])
  }

  @Test func `after the last event there is no polling`() throws {
    let (queue, reader) = try make()
    queue.put(.numbered(0, .stopped), from: 0)
    #expect(try reader.take().count == 1)
    for _ in 0..<2 { #expect(throws: Status.wrongState) { try reader.take() } }
  }

  @Test func `the last event is the last, whoever has something to log`() throws {
    let (queue, reader) = try make()
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(queue.put(.numbered(0, .stopped), none, evenIfFull: true))
    #expect(!queue.put(.numbered(1, .log), none, evenIfFull: false))
    #expect(queue.count == 1)
    #expect(try reader.take().map(\.record.number) == [0])
    #expect(!reader.isReadable, "and nobody is asked to poll again")
  }

  @Test func `one poll at a time`() throws {
    let (queue, reader) = try make()
    queue.put(.numbered(0), from: 0)
    var inner: Status?
    _ = try queue.poll(capacity: 1, timeoutMs: 0, letGo: {}) { _, _ in
      do { _ = try reader.take() } catch { inner = error as? Status }
      return true
    }
    #expect(inner == .wrongState)
    #expect(try reader.take().isEmpty, "and that one does not shut the next out")
  }

  @Test func `a poll that waits ends with the next event, or with the queue`() throws {
    let (queue, reader) = try make()
    let took = Watched(0)
    ForeignThread {
      while let taken = try? reader.take(timeoutMs: -1) { took.change { $0 += taken.count } }
      took.change { $0 = -1 }
    }
    queue.put(.numbered(0), from: 0)
    #expect(took.wait { $0 == 1 })
    queue.close()
    #expect(took.wait { $0 == -1 })
    #expect(throws: Status.stale) { try reader.take() }
  }
}
