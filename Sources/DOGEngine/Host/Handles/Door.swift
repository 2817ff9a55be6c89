import CDOG

// The one door for what a host causes. Whatever its callbacks and threads say or do to clients and to other objects
// passes here, in one of these ways: an object speaks (`speak`) or acts (`act`), a cluster is spoken to from
// another worker of its own (`clusterFromHere`), a question gets its answer (`claim`), a streamed response goes on
// (`onStream`). It happens at once on the object's own worker, and elsewhere by a letter to that worker.
extension Handle {
  /// Has the object act on a payload, which is lent to it.
  ///
  /// `act` gets all that it needs and captures nothing: a closure that captures costs an allocation for each message.
  /// `mayBeSent` is asked before a letter is sent, which counts as `size` bytes in the mailbox. `failed` is told if the
  /// letter came to nothing: `gone` if the object has ended by then, or what `act` returned. In a letter, `relayed`
  /// takes the place of `context`.
  @inline(__always)
  func act<Object, Context: Sendable>(
    on payload: UnsafeRawBufferPointer, _ context: Context, as kind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Object>, size: Int, relayed: Context? = nil,
    mayBeSent: (Worker, Engine) -> Status, failed: (@Sendable (Worker, Status) -> Void)? = nil,
    _ act: @escaping @Sendable (Object, UnsafeRawBufferPointer, Context) -> Status
  ) -> Status {
    if !EngineTable.isForked, let status = inCallback(as: kind, in: table, { act($0, payload, context) }) {
      return status
    }
    return actFromElsewhere(
      on: payload, context, as: kind, in: table, size: size, relayed: relayed ?? context, mayBeSent: mayBeSent,
      failed: failed, act)
  }

  /// `act`, wherever the call comes from.
  @inline(never)
  private func actFromElsewhere<Object, Context: Sendable>(
    on payload: UnsafeRawBufferPointer, _ context: Context, as kind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Object>, size: Int, relayed: Context,
    mayBeSent: (Worker, Engine) -> Status, failed: (@Sendable (Worker, Status) -> Void)?,
    _ act: @escaping @Sendable (Object, UnsafeRawBufferPointer, Context) -> Status
  ) -> Status {
    switch reach(as: kind, in: table) {
    case .here(let object, _): return act(object, payload, context)
    case .elsewhere(let worker, let engine):
      let admitted = mayBeSent(worker, engine)
      guard admitted == .ok else { return admitted }
      let copy = [UInt8](payload)
      return worker.postPayload(bytes: size) { worker in
        guard let object = table(worker).find(self) else { return failed?(worker, .gone) ?? () }
        let status = copy.withUnsafeBytes { act(object, $0, relayed) }
        if let failed, status != .ok { failed(worker, status) }
      }
    case .failed(let status): return status
    }
  }

  /// Has the object send a message. This is the way of every message, so it counts no reference and allocates nothing.
  @inline(__always)
  func speak<Object: Speaker>(
    _ speech: Speech, _ payload: UnsafeRawBufferPointer, as kind: Kind, in table: (Worker) -> SlotMap<Object>
  ) -> Status {
    guard speech.kind == .binary || UTF8Validator.isValid(payload) else { return .invalid }
    if !EngineTable.isForked, let status = inCallback(as: kind, in: table, { $0.speak(speech, payload) }) {
      return status
    }
    return speakFromElsewhere(speech, payload, as: kind, in: table)
  }

  /// `speak`, wherever the call comes from.
  @inline(never)
  private func speakFromElsewhere<Object: Speaker>(
    _ speech: Speech, _ payload: UnsafeRawBufferPointer, as kind: Kind, in table: (Worker) -> SlotMap<Object>
  ) -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard self.kind == kind else { return misfit }
    if let worker = workerHere {
      guard let object = table(worker).find(self) else { return .stale }
      return object.speak(speech, payload)
    }
    let status = EngineTable.withEngine(engine) { engine in
      guard let worker = engine.startedWorker(worker) else { return Status.stale }
      return worker._withUnsafeGuaranteedRef { worker in
        guard table(worker).finder.isCurrent(self) else { return .stale }
        let size = FrameEncoder.frameSize(payload: payload.count)
        guard size <= worker.options.outboxBytesMax else { return .tooBig }
        var speech = speech
        if speech.audience == .cluster {
          let room = engine.room(for: size, than: worker)
          guard room == .ok else { return room }
          speech.hasRoom = true
        }
        return worker.post(speech, by: self, payload, size: size)
      }
    }
    return status ?? .stale
  }

  /// If a callback on another worker of the engine uses this handle of a Gateway or a Shard: that worker, and the
  /// Gateway. The message goes out from there, so that each receiver gets all that the callback sends in order. Nil: it
  /// is sent on the object's own worker.
  var clusterFromHere: (Worker, GatewayCore)? {
    guard kind == .gateway || kind == .shard, !EngineTable.isForked, let here = Worker.current,
      here.engineNumber == engine, here.index != worker,
      // Its letters might be carried out when those who are to hear of them have ended.
      !here.isWindingDown
    else { return nil }
    return here.engine.directory.cluster(of: self).map { (here, $0) }
  }

  /// Wins the one right to answer what waits under this handle (see SlotMap), for the calling thread.
  func claim<Object>(in table: (Worker) -> SlotMap<Object>) throws(Status) -> Claim<Object> {
    guard !EngineTable.isForked else { throw .forked }
    switch reach(in: table) {
    case .here(let object, let worker):
      guard table(worker).claim(self) else { throw .stale }
      return Claim(object: object, worker: worker, engine: nil)
    case .elsewhere(let worker, let engine):
      guard table(worker).claim(self), let object = table(worker).claimed(self) else { throw .stale }
      return Claim(object: object, worker: worker, engine: engine)
    case .failed(let status): throw status
    }
  }

  /// The same where the calling thread is the object's own worker: wins the claim and acts at once. Nil: it is another.
  @inline(__always)
  func claimHere<Object>(
    _ finder: (Worker) -> SlotMap<Object>.Finder, _ act: (Worker, Object) -> Status
  ) -> Status? {
    guard !EngineTable.isForked, let pointer = cdog_worker() else { return nil }
    return Unmanaged<Worker>.fromOpaque(pointer)._withUnsafeGuaranteedRef { worker in
      guard worker.index == self.worker, worker.engineNumber == engine else { return nil }
      let finder = finder(worker)
      guard let object = finder.find(self)?.takeUnretainedValue(), finder.claim(self) else { return .stale }
      return act(worker, object)
    }
  }

  /// Goes on with the streamed response that a request has begun.
  func onStream(_ act: (ResponseStream) -> Status) -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard kind?.isRequest == true else { return misfit }
    let (stream, engine) = findStream()
    defer { withExtendedLifetime(engine) {} }
    if let stream { return act(stream) }
    switch reach(in: { $0.tables.tickets }) {
    case .here, .elsewhere: return .wrongState
    case .failed(let status): return status
    }
  }

  /// The stream that it has begun, and the engine, which must outlive the call.
  func findStream() -> (ResponseStream?, Engine?) {
    guard kind?.isRequest == true else { return (nil, nil) }
    if let worker = workerHere { return (worker.tables.streams.find(self), nil) }
    guard let (worker, engine) = findWorker() else { return (nil, nil) }
    return (worker.tables.streams.find(self), engine)
  }
}

extension Engine {
  /// Whether the mailboxes of all workers but one have room for a message to a whole cluster.
  ///
  /// If the call comes from elsewhere they are asked first, so that the caller hears of a full one. The worker that
  /// relays the message does not ask again.
  func room(for size: Int, than worker: Worker) -> Status {
    for other in workers where other !== worker {
      let room = other.room(for: size)
      guard room == .ok else { return room }
    }
    return .ok
  }
}

/// What waits for an answer, and the right to give it, once. Only what is immutable in `object` may be read off its
/// worker.
struct Claim<Object: AnyObject & Sendable> {
  let object: Object
  let worker: Worker
  /// Nil on the object's own worker. Elsewhere it must outlive what the calling thread does: an engine that ends frees
  /// what was claimed.
  private let engine: Engine?

  init(object: Object, worker: Worker, engine: Engine?) {
    self.object = object
    self.worker = worker
    self.engine = engine
  }

  /// On the object's own worker.
  var isHere: Bool { engine == nil }

  /// Gives the answer on the object's worker. A letter counts as `bytes` more than its own. What `act` returns is heard
  /// on that worker alone; elsewhere `stale` says that the worker has ended.
  func act(bytes: Int = 0, _ act: @escaping @Sendable (Worker, Object) -> Status) -> Status {
    guard !isHere else { return act(worker, object) }
    defer { withExtendedLifetime(engine) {} }
    return worker.post(bytes: bytes) { [object] in _ = act($0, object) } ? .ok : .stale
  }
}
