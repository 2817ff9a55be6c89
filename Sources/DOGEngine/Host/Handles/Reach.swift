import CDOG

/// Where the object of a handle is, seen from the calling thread.
enum Reach<Object: AnyObject> {
  /// On this very worker: act at once.
  case here(Object, Worker)
  /// On another worker, and alive a moment ago. The engine is held so that it outlives the call.
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

  /// Does something with the object on its own worker, inside a callback of the host's. That is where messages are
  /// sent, and nothing is removed from the table before the callback has returned (`Callouts`), so no reference is
  /// counted. Nil: it is not there, or the call comes from elsewhere; `reach` knows.
  @inline(__always)
  func inCallback<Object, Result>(
    as kind: Kind, in table: (Worker) -> SlotMap<Object>, _ act: (Object) -> Result
  ) -> Result? {
    guard let pointer = cdog_worker() else { return nil }
    return Unmanaged<Worker>.fromOpaque(pointer)._withUnsafeGuaranteedRef { worker in
      guard origin == worker.origin | kind.rawValue << Handle.originBits, worker.callouts.isInHost else { return nil }
      return table(worker).finder.find(self)?._withUnsafeGuaranteedRef { act($0) }
    }
  }

  /// Its worker, if that is the calling thread.
  @inline(__always)
  var workerHere: Worker? {
    guard let worker = Worker.current, worker.index == self.worker, worker.engineNumber == engine else { return nil }
    return worker
  }

  /// Its worker, and the engine, which must outlive the call. Any thread. Nil: there is no such engine that was
  /// started.
  @inline(__always)
  func findWorker() -> (Worker, Engine)? {
    guard let engine = EngineTable.find(engine), engine.lifecycle.wasStarted, worker < engine.workers.count else {
      return nil
    }
    return (engine.workers[worker], engine)
  }

  /// The object, on its own worker.
  func find<Object>(as kind: Kind, in table: (Worker) -> SlotMap<Object>) throws(Status) -> Object {
    switch reach(as: kind, in: table) {
    case .here(let object, _): return object
    case .elsewhere: throw .wrongThread
    case .failed(let status): throw status
    }
  }

  /// The status for a handle of another kind; 0 and invented handles are stale.
  var misfit: Status { kind == nil ? .stale : .wrongKind }
}
