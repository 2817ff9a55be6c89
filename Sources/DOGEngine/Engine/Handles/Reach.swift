/// Where the object of a handle is, seen from the calling thread.
enum Reach<Object: AnyObject> {
  /// On this very worker: act at once.
  case here(Object, Worker)
  /// On another worker, and alive when looked at. The engine is held so that it outlives the call.
  case elsewhere(Worker, Engine)
  case failed(Status)
}

extension Handle {
  /// Finds the object. Any thread; without a lock on the object's own worker.
  @inline(__always)
  func reach<Object>(as kind: Kind, in table: (Worker) -> SlotMap<Object>) -> Reach<Object> {
    guard !EngineTable.isForked else { return .failed(.forked) }
    guard self.kind == kind else { return .failed(misfit) }
    return reach(in: table)
  }

  /// The same for any kind of this table's.
  @inline(__always)
  func reach<Object>(in table: (Worker) -> SlotMap<Object>) -> Reach<Object> {
    if let worker = workerHere {
      guard let object = table(worker).find(self) else { return .failed(.stale) }
      return .here(object, worker)
    }
    guard let (worker, engine) = findWorker() else { return .failed(.stale) }
    return table(worker).isCurrent(self) ? .elsewhere(worker, engine) : .failed(.stale)
  }

  /// Its worker, where that is the calling thread.
  @inline(__always)
  var workerHere: Worker? {
    guard let worker = Worker.current, worker.index == self.worker, worker.engineNumber == engine else { return nil }
    return worker
  }

  /// Its worker, and the engine, which must outlive the call. Any thread. Nil: there is none that has been started.
  @inline(__always)
  func findWorker() -> (Worker, Engine)? {
    guard let engine = EngineTable.find(engine), engine.lifecycle.wasStarted, worker < engine.workers.count else {
      return nil
    }
    return (engine.workers[worker], engine)
  }

  /// Has the object send a message: at once on its own worker, elsewhere by that worker's mailbox with a copy of the
  /// payload.
  ///
  /// `act` has no need to capture anything, for it gets it all: a closure that captures costs an allocation per
  /// message.
  @inline(__always)
  func send<Object, Context: Sendable>(
    _ message: MessageKind, _ payload: UnsafeRawBufferPointer, _ context: Context, as kind: Kind,
    in table: @escaping @Sendable (Worker) -> SlotMap<Object>,
    _ act: @escaping @Sendable (Object, MessageKind, UnsafeRawBufferPointer, Context) -> Status
  ) -> Status {
    guard message == .binary || UTF8Validator.isValid(payload) else { return .invalid }
    switch reach(as: kind, in: table) {
    case .here(let object, _): return act(object, message, payload, context)
    case .elsewhere(let worker, let engine):
      let size = FrameEncoder.frameSize(payload: payload.count)
      guard size <= engine.options.outboxBytesMax else { return .tooBig }
      let copy = [UInt8](payload)
      return worker.postPayload(bytes: size) { worker in
        guard let object = table(worker).find(self) else { return }
        copy.withUnsafeBytes { _ = act(object, message, $0, context) }
      }
    case .failed(let status): return status
    }
  }

  /// What is wrong with a handle of another kind: 0 and inventions name nothing.
  var misfit: Status { kind == nil ? .stale : .wrongKind }
}

extension Worker {
  /// Posts something that carries a payload of the host's, unless the mailbox has no room for it. From any thread.
  func postPayload(bytes: Int, _ body: @escaping @Sendable (Worker) -> Void) -> Status {
    let room = room(for: bytes)
    guard room == .ok else { return room }
    return send(.run(body), bytes: bytes + Worker.letterBytes) ? .ok : .stale
  }

  /// What a letter takes beside its payload, by and large: a limit on payloads alone would not bound many small ones.
  static var letterBytes: Int { 128 }

  /// Whether the mailbox takes this much more: full says not now, tooBig never.
  func room(for bytes: Int) -> Status {
    let size = bytes + Worker.letterBytes
    guard size <= mailboxBytesMax else { return .tooBig }
    return mailbox.bytesWaiting + size <= mailboxBytesMax ? .ok : .full
  }
}
