/// One thing that the host is to be told: what a dog_event_t is made of. The batch that holds it has its bytes, and the
/// object that it comes with. A record has no reference in it, so that to copy it counts none.
struct EventRecord: BitwiseCopyable {
  enum Kind: Int32, BitwiseCopyable {
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
  /// Bytes that its object keeps in memory; in a `forget` record, the bytes that can be freed.
  var kept = 0
  /// Where its bytes are in the batch, and how many.
  fileprivate var bytesOffset = 0
  fileprivate(set) var byteCount = 0
  /// Where its object is in the batch; -1: it has none.
  fileprivate var objectIndex: Int32 = -1

  init(_ kind: Kind) { self.kind = kind }

  /// The host gets to see it.
  var isTold: Bool { kind != .forget }
  /// What it counts for against the queue's limit of bytes.
  var weight: Int { byteCount + (isTold ? kept : 0) }
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

  /// `count` of them, in room for `capacity`.
  private(set) var records: UnsafeMutablePointer<EventRecord>
  private(set) var count = 0
  private var capacity = EventBatch.capacityMin
  private var objects: [any AnyObject & Sendable] = []
  /// How many of them the host gets to see.
  private(set) var told = 0
  /// The weights of all of them.
  private(set) var weight = 0
  /// Bytes that can be freed once its `forget` records are read.
  private(set) var forgettable = 0
  private var content = ByteStretch()

  private static let capacityMin = 16

  init() { records = .allocate(capacity: capacity) }

  deinit { records.deallocate() }

  var isEmpty: Bool { count == 0 }
  var byteCount: Int { content.count }
  var hasRoom: Bool { count < EventBatch.recordsMax && weight < EventBatch.bytesMax }
  var isSpareable: Bool { content.capacity <= EventBatch.spareBytesMax && capacity <= 4 * EventBatch.recordsMax }

  /// `object`: what the host's getters or results are made of. It is immutable, so that any thread may free it.
  func append(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer, _ object: (any AnyObject & Sendable)? = nil) {
    if count == capacity { grow() }
    let place = records + count
    place.initialize(to: record)
    place.pointee.bytesOffset = content.count
    place.pointee.byteCount = bytes.count
    content.append(bytes)
    if let object {
      place.pointee.objectIndex = Int32(objects.count)
      objects.append(object)
    }
    count += 1
    weight += place.pointee.weight
    if record.isTold { told += 1 } else { forgettable += record.kept }
  }

  @inline(never)
  private func grow() {
    let larger = UnsafeMutablePointer<EventRecord>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: records, count: count)
    records.deallocate()
    records = larger
    capacity *= 2
  }

  /// Good until the batch is used again.
  func bytes(of record: EventRecord) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: content.base + record.bytesOffset, count: record.byteCount)
  }

  func object(of record: EventRecord) -> (any AnyObject & Sendable)? {
    record.objectIndex < 0 ? nil : objects[Int(record.objectIndex)]
  }

  func removeAll() {
    count = 0
    if !objects.isEmpty { objects.removeAll(keepingCapacity: objects.count <= 4096) }
    content.removeAll(keeping: EventBatch.spareBytesMax)
    told = 0
    weight = 0
    forgettable = 0
  }
}
