import CUV

extension Engine {
  /// Starts the workers on threads of their own.
  public func start() throws(Status) { try begin(callerIsWorker: false) }

  /// The calling thread is the first worker: returns when the engine has stopped.
  public func run() throws(Status) {
    try begin(callerIsWorker: true)
    workers[0].run()
    workerEnded()
    lifecycle.waitUntilStopped()
  }

  private func workerEnded() {
    if lifecycle.workerEnded() { events?.tellStopped() }
  }

  /// Stops with a grace; see dog_engine_stop. Returns when all workers have ended; but at once on a worker, and if the
  /// host takes events, because it may have to take some of them first.
  @discardableResult
  public func stop(graceMs: UInt64) -> Status {
    guard !EngineTable.isForked else { return .forked }
    // Another thread may be in the middle of a start: there are no workers yet that could be told.
    lifecycle.life.wait { $0.state != .running || $0.wasStarted }
    let wasStarted = lifecycle.life.withLock { life in
      // A start that begins only now is not stopped.
      guard life.wasStarted else { return false }
      if life.state == .running { life.state = .stopping }
      return true
    }
    guard wasStarted else { return .wrongState }
    let deadline = uv_hrtime() / 1_000_000 + min(graceMs, Options.dayMs)
    workers.first?.post { $0.beginStop(deadline: deadline) }
    if events == nil, !Worker.isOn(self) { lifecycle.waitUntilStopped() }
    return .ok
  }

  /// Ends the engine; its handles are stale from then on. Not on one of its workers.
  @discardableResult
  public func destroy() -> Status {
    guard !EngineTable.isForked else { return .forked }
    guard !Worker.isOn(self) else { return .wrongThread }
    let state = lifecycle.life.withLock { life in
      defer { if life.state == .new { life.state = .stopped } }
      return life.state
    }
    switch state {
    case .new: closePorts()
    case .running:
      stop(graceMs: 0)
      lifecycle.waitUntilStopped()
    case .stopping, .stopped: lifecycle.waitUntilStopped()
    }
    EngineTable.remove(self)
    events?.queue.close()
    return .ok
  }

  private func begin(callerIsWorker: Bool) throws(Status) {
    guard !EngineTable.isForked else { throw .forked }
    // Claimed before it is built, so that of two starts one fails.
    let isFirst = lifecycle.life.withLock { life in
      guard life.state == .new else { return false }
      life.state = .running
      life.workersRunning = workerCount
      life.isStarting = true
      return true
    }
    guard isFirst else { throw .wrongState.because("the engine was started before, or has ended") }
    // Until then no other thread may join the workers: it would miss those that are not listed yet.
    defer { lifecycle.life.withLock { $0.isStarting = false } }
    do {
      try build()
    } catch {
      lifecycle.life.withLock { life in
        life.state = .stopped
        life.workersRunning = 0
      }
      closePorts()
      events?.tellStopped()
      throw error
    }
    lifecycle.markStarted()
    for worker in workers.dropFirst(callerIsWorker ? 1 : 0) {
      var thread = uv_thread_t()
      let result = uv_thread_create(
        &thread,
        { argument in
          guard let argument else { return }
          let worker = Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue()
          let engine = worker.engine
          worker.run()
          engine.workerEnded()
        }, Unmanaged.passRetained(worker).toOpaque())
      guard result == 0 else {
        Unmanaged.passUnretained(worker).release()
        giveUp(startedBefore: worker.index, callerIsWorker: callerIsWorker)
        throw .system.because(
          "there is no thread for worker \(worker.index) of \(workerCount): \(SystemError(uv: result))")
      }
      lifecycle.life.withLock { $0.threads.append(thread) }
    }
  }

  /// The system gave no thread for a worker: ends the workers that run and those that never will. Clients may have come
  /// by then. So the phases are those of a stop: no worker sends a letter to one that has ended, which would keep both
  /// for ever.
  private func giveUp(startedBefore index: Int, callerIsWorker: Bool) {
    let running = workers[(callerIsWorker ? 1 : 0)..<index]
    together(running) { worker, done in
      worker.drain()
      worker.abort()
      done(worker)
    }
    // Workers without a thread handle on this one what the others have sent them.
    let others = workers.filter { !running.indices.contains($0.index) }
    for worker in others { worker.discard() }
    together(running) { $0.windDown($1) }
    together(running) { $1($0) }
    for worker in running { worker.post { $0.exit() } }
    for _ in others { workerEnded() }
    lifecycle.life.withLock { $0.isStarting = false }
    lifecycle.waitUntilStopped()
  }

  /// Has workers that run do something, and waits until all of them have said that it is done.
  private func together(
    _ workers: ArraySlice<Worker>,
    _ body: @escaping @Sendable (Worker, _ done: @escaping @Sendable (Worker) -> Void) -> Void
  ) {
    let missing = Monitor(workers.count)
    for worker in workers {
      worker.post {
        body($0) { _ in missing.withLock { $0 -= 1 } }
      }
    }
    missing.wait { $0 == 0 }
  }
}

// A stop, as worker 0 conducts it.
extension Worker {
  func beginStop(deadline: UInt64) {
    perform(engine.stopping.begin(deadline: deadline))
    setStopDeadline()
  }

  /// The last connection of the engine may be gone, or a worker has done its part.
  func advanceStop(acknowledging: Int) {
    perform(
      engine.stopping.advance(
        acknowledging: acknowledging, workers: engine.workers.count,
        connections: engine.connections.load(ordering: .sequentiallyConsistent)))
  }

  func stopDeadlineCame(_ now: UInt64) {
    perform(engine.stopping.timePassed(now: now))
    setStopDeadline()
  }

  private func perform(_ action: StopSequence.Action) {
    switch action {
    case .nothing: break
    case .drainAll: tellAll(acknowledged: true) { $0.drain() }
    case .abortAll: tellAll(acknowledged: false) { $0.abort() }
    case .windDownAll: for worker in engine.workers { worker.post { $0.windDown { $0.acknowledge() } } }
    case .settleAll: tellAll(acknowledged: true) { _ in }
    case .exitAll: tellAll(acknowledged: false) { $0.exit() }
    }
  }

  private func tellAll(acknowledged: Bool, _ body: @escaping @Sendable (Worker) -> Void) {
    for worker in engine.workers {
      worker.post { worker in
        body(worker)
        if acknowledged { worker.acknowledge() }
      }
    }
  }

  /// Tells worker 0 that this one has done its part.
  private func acknowledge() { engine.workers[0].post { $0.advanceStop(acknowledging: 1) } }
}
