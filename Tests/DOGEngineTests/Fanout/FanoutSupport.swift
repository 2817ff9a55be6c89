@testable import DOGEngine

/// What the tests of the Fanout room share: frames, chance, and a member that keeps what it gets.
enum FanoutSupport {
  /// A server's frame, written out by RFC 6455, section 5.2, not by the code under test.
  static func frame(_ payload: [UInt8], opcode: UInt8 = 1) -> [UInt8] {
    var bytes: [UInt8] = [0x80 | opcode]
    let count = payload.count
    if count < 126 {
      bytes.append(UInt8(count))
    } else if count < 65536 {
      bytes += [126, UInt8(count >> 8), UInt8(count & 0xff)]
    } else {
      bytes.append(127)
      for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
    }
    return bytes + payload
  }

  static func frame(_ text: String) -> [UInt8] { frame(Array(text.utf8)) }

  /// The payloads of the frames that these bytes hold; nil when they are not whole frames.
  static func payloads(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    var found: [ArraySlice<UInt8>] = []
    var rest = bytes
    while !rest.isEmpty {
      guard let length = rest.dropFirst().first else { return nil }
      let extra = length < 126 ? 0 : length == 126 ? 2 : 8
      guard rest.count >= 2 + extra else { return nil }
      let start = rest.startIndex + 2
      let count = extra == 0 ? Int(length) : rest[start..<start + extra].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 2 + extra + count else { return nil }
      found.append(rest[start + extra..<start + extra + count])
      rest = rest[(start + extra + count)...]
    }
    return found
  }

  static func shared(_ bytes: [UInt8], capacity: Int = 0) -> SharedBytes {
    let shared = SharedBytes(capacity: max(capacity, bytes.count))
    bytes.withUnsafeBytes { shared.append($0) }
    return shared
  }

  static func read(_ vector: Outbox.Vector) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: vector.base, count: vector.count))
  }

  static func contents(_ shared: SharedBytes, _ range: Range<Int>) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: shared.base + range.lowerBound, count: range.count))
  }

  /// A receiver without a socket.
  final class Member: GroupMember {
    var seat = Seat()
    let name: String
    var received: [UInt8] = []
    /// Of every call since the last `forget`.
    var calls: [(frames: Int, more: Bool)] = []
    /// As a slow socket would: references to what it took, and what that was.
    var held: [(bytes: SharedBytes, base: UnsafeMutableRawPointer, range: Range<Int>, content: [UInt8])] = []
    var holds = false

    init(_ name: String = "") { self.name = name }

    func take(_ bytes: SharedBytes, _ range: Range<Int>, frames: Int, more: Bool) {
      let content = contents(bytes, range)
      received += content
      calls.append((frames, more))
      if holds { held.append((bytes, bytes.base, range, content)) }
    }

    func forget() {
      received = []
      calls = []
    }

    /// Of the calls: how many frames each brought, and whether each said that more follows.
    var frames: [Int] { calls.map(\.frames) }
    var mores: [Bool] { calls.map(\.more) }

    /// What was received, as texts.
    var texts: [String] {
      guard let payloads = payloads(received[...]) else { return ["not whole frames"] }
      return payloads.map { String(decoding: $0, as: UTF8.self) }
    }
  }
}

extension FanoutSupport {
  /// An outbox and the kernel of which it is the waiting room.
  final class Peer {
    var outbox: Outbox
    /// What the kernel took.
    var sent: [UInt8] = []

    init(pool: BytesPool = BytesPool()) { outbox = Outbox(pool: pool) }

    var bytes: Int { outbox.bytes }
    var isEmpty: Bool { outbox.isEmpty }
    var isInFlight: Bool { outbox.isInFlight }

    /// All that is queued, in flight included.
    var waiting: [UInt8] {
      guard let live = outbox.live else { return Array(outbox.earlyBytes) }
      return live.indices.flatMap { index in
        let segment = live.segments[index]
        return segment.bytes.map { contents($0, segment.start..<segment.end) } ?? []
      }
    }

    var waitingTexts: [String] {
      guard let payloads = payloads(waiting[...]) else { return ["not whole frames"] }
      return payloads.map { String(decoding: $0, as: UTF8.self) }
    }

    func queue(_ bytes: [UInt8]) { bytes.withUnsafeBytes { outbox.queueCopy($0) } }

    /// What `gather` gives, as the kernel would read it.
    func gather(vectors: Int = 16, bytesMax: Int = .max) -> (pieces: [[UInt8]], bytes: Int) {
      let none = Outbox.Vector(base: UnsafeMutableRawPointer(bitPattern: 16)!, count: 0)
      var array = [Outbox.Vector](repeating: none, count: vectors)
      return array.withUnsafeMutableBufferPointer { buffer in
        let gathered = outbox.gather(into: buffer, bytesMax: bytesMax)
        let pieces = buffer.prefix(gathered.vectors).map { FanoutSupport.read($0) }
        return (pieces, gathered.bytes)
      }
    }

    /// A synchronous write of which the kernel takes at most `limit` bytes.
    func write(_ limit: Int = .max) {
      let gathered = gather()
      let count = min(limit, gathered.bytes)
      sent += gathered.pieces.joined().prefix(count)
      outbox.wrote(count)
    }

    /// An asynchronous write: the kernel reads the bytes when it ends, where they lay when it began.
    func beginWrite(_ limit: Int) {
      let none = Outbox.Vector(base: UnsafeMutableRawPointer(bitPattern: 16)!, count: 0)
      flight = [Outbox.Vector](repeating: none, count: 16)
      outbox.settle()
      flight = flight.withUnsafeMutableBufferPointer { buffer in
        let gathered = outbox.gather(into: buffer, bytesMax: limit)
        outbox.setInFlight(gathered.bytes)
        return Array(buffer.prefix(gathered.vectors))
      }
    }

    func endWrite() {
      for vector in flight { sent += FanoutSupport.read(vector) }
      flight = []
      outbox.completed()
    }

    private var flight: [Outbox.Vector] = []
  }
}

extension Group where Member == FanoutSupport.Member {
  func say(_ text: String, from sender: Member? = nil, toSelf: Bool = false, scope: Int? = nil) {
    let frame = FanoutSupport.frame(text)
    append(size: frame.count, scope: scope, excluding: toSelf ? nil : sender) { target in
      UnsafeMutableRawBufferPointer(start: target, count: frame.count).copyBytes(from: frame)
    }
  }

  /// A message to one member alone, as a socket sends it.
  func tell(_ member: Member, _ text: String) {
    catchUp(member)
    member.received += FanoutSupport.frame(text)
  }
}
