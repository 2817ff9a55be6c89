// How a worker ends: the phases of a stop, which worker 0 conducts.
extension Worker {
  /// Takes no new connections. Connections without a request in flight end; sockets are closed with 1001.
  func drain() {
    assertHere()
    guard !isDraining else { return }
    isDraining = true
    // The loop must read the peers' ends. No messages are passed on any more.
    loop.goOn()
    stopWatchingLoad()
    closeListeners()
    tables.connections.forEach { $0.drain() }
    tables.sockets.forEach {
      _ = $0.close(code: CloseCode.goingAway.rawValue, reason: UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// Resets whatever is open.
  func abort() {
    assertHere()
    isAborting = true
    tables.connections.forEach { $0.abort() }
    tables.sockets.forEach { $0.abort() }
    tables.lingerings.forEach { $0.abort() }
  }

  /// Ends the objects that hold no connection: every Shard gets onstop, then every Gateway onretire. Some of them in
  /// each turn; `done` is called after the last.
  func windDown(_ done: @escaping @Sendable (Worker) -> Void) {
    assertHere()
    isWindingDown = true
    newcomers = [:]
    tables.tickets.forEach { $0.cancel(on: self) }
    for stream in tables.streams.close() { stream.conclude(.gone) }
    stopShards(from: 0, done)
  }

  private func stopShards(from slot: Int, _ done: @escaping @Sendable (Worker) -> Void) {
    let next = tables.shards.forEach(from: slot, slots: Worker.atOnceMax) { $0.stop() }
    guard let next else { return endGateways(from: 0, done) }
    post { $0.stopShards(from: next, done) }
  }

  private func endGateways(from slot: Int, _ done: @escaping @Sendable (Worker) -> Void) {
    let next = tables.gateways.forEach(from: slot, slots: Worker.atOnceMax) { $0.endAtOnce() }
    if let next { return _ = post { $0.endGateways(from: next, done) } }
    // Every onclose and onstop is called before the next phase. Nothing can begin any more.
    emptyAllCallouts()
    done(self)
  }

  /// The mail of this turn is the last.
  func exit() {
    assertHere()
    isExiting = true
  }

  /// Lets the loop end once its handles are closed. Letters that are still in the mail find nothing, and tell that to
  /// those who wait for an outcome.
  func leave() {
    isExiting = false
    open(mailbox.close())
    // Tickets that are left were claimed by threads whose answers come too late.
    tables.tickets.forEach { $0.giveUp(on: self) }
    emptyAllCallouts()
    events?.flush()
    loop.close()
  }

  /// Ends a worker that has no thread: the calling thread is it for as long as that takes. Its mail is handled, as on
  /// any worker that ends.
  func discard() {
    closeListeners()
    post { worker in
      worker.drain()
      worker.abort()
      worker.windDown { $0.exit() }
    }
    run()
  }

  private func closeListeners() {
    for listener in listeners { listener.close() }
    listeners = []
    engine.removeSocketFiles()
  }
}
