/// One thing that the host is to be told: what a dog_event_t is made of. Its bytes are in the batch that holds it.
struct EventRecord {
  enum Kind: Int32 {
    case fetch = 1
    case identify = 2
    case clusterize = 3
    case receive = 4
    case gossip = 5
    case start = 6
    case stop = 7
    case open = 8
    case message = 9
    case close = 10
    case error = 11
    case drain = 12
    case whispered = 13
    case gossiped = 14
    case writable = 15
    case ended = 16
    case log = 17
    case stopped = 18
    case retire = 19
    case call = 20
    /// Not for the host: a question is over, and what was kept for its getters can be freed.
    case forget = 0
  }

  let kind: Kind
  /// The host's pointer of the class, or of the call that this answers: passed on, never dereferenced.
  var user: UnsafeMutableRawPointer?
  var gateway = Handle.none
  var shard = Handle.none
  var socket = Handle.none
  /// A request or a gossip.
  var question = Handle.none
  var status = Status.ok
  /// A message's kind, a close code, a log level.
  var code: UInt32 = 0
  var isClean = false
  /// For an opened socket its `data`, else a count.
  var number: UInt64 = 0
  /// What the host's getters or results are made of: immutable, so that any thread may free it.
  var object: (any AnyObject & Sendable)?
  /// Bytes that the object keeps in memory; in a `forget` record, the bytes that can be freed.
  var kept = 0
  /// Where its bytes are in the batch.
  fileprivate(set) var bytes = 0..<0

  init(_ kind: Kind) { self.kind = kind }

  /// The host gets to see it.
  var isTold: Bool { kind != .forget }
  /// What it counts for against the queue's limit of bytes.
  var weight: Int { bytes.count + (isTold ? kept : 0) }
}

/// What one worker has to tell: filled by it, then handed over whole and read by the thread that polls.
///
/// `@unchecked Sendable`: one thread at a time has it, and the queue's lock is between two of them.
final class EventBatch: @unchecked Sendable {
  /// One that has grown beyond this is not used again.
  static let spareBytesMax = 512 << 10
  /// One that holds so much takes no more in.
  private static let recordsMax = 1024
  private static let bytesMax = 128 << 10

  private(set) var records: ContiguousArray<EventRecord> = []
  /// How many of them the host gets to see.
  private(set) var told = 0
  /// The weights of all of them.
  private(set) var weight = 0
  /// Bytes that can be freed once its `forget` records are read.
  private(set) var forgettable = 0
  private let content = SharedBytes(capacity: 256)

  var byteCount: Int { content.count }
  var hasRoom: Bool { records.count < EventBatch.recordsMax && weight < EventBatch.bytesMax }
  var isSpareable: Bool { content.capacity <= EventBatch.spareBytesMax }

  func append(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer) {
    var record = record
    record.bytes = content.count..<content.count + bytes.count
    content.append(bytes)
    records.append(record)
    weight += record.weight
    if record.isTold { told += 1 } else { forgettable += record.kept }
  }

  /// Good until the batch is used again.
  func bytes(of record: EventRecord) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: content.base + record.bytes.lowerBound, count: record.bytes.count)
  }

  func removeAll() {
    records.removeAll(keepingCapacity: records.count <= 4096)
    content.removeAll()
    told = 0
    weight = 0
    forgettable = 0
  }
}
