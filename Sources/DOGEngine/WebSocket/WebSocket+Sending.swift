import CUV

// The way out. Sends of one turn collect in the outbox or in the cluster's batch; the end of the turn writes each socket once.
extension WebSocket {
  /// How much a turn may collect before the kernel is asked in mid-turn: a fast receiver is never called slow for what one
  /// turn produced.
  private static var collectBytesMax: Int { 256 << 10 }
  private static var vectorsMax: Int { 64 }

  // MARK: One message

  /// Queues one message to this socket, behind all that was queued or broadcast to it before.
  func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    guard closing.isOpen else { return .closed }
    let size = FrameEncoder.frameSize(payload: payload.count)
    guard size <= options.outboxBytesMax else { return .tooBig }
    shard.slice.group.catchUp(self)
    if outbox.bytes + size > min(WebSocket.collectBytesMax, options.outboxBytesMax) { writeOut() }
    guard closing.isOpen, doom == nil else { return .closed }
    guard makeRoom(for: size) else { return .slow }
    outbox.queueCopy(size: size) { FrameEncoder.write(opcode: Opcode(kind), payload: payload, to: $0) }
    worker.counters.add(.messagesOut)
    markDirty()
    return .ok
  }

  /// Rule S8, for one frame. False: it is not to be queued.
  private func makeRoom(for size: Int) -> Bool {
    let limit = options.outboxBytesMax
    if outbox.bytes + size <= limit { return true }
    switch options.outboxPolicy {
    case .close:
      fail(.tryAgainLater, .slow)
      return false
    case .dropNewest:
      countDropped(1)
      return false
    case .dropOldest:
      countDropped(outbox.makeRoom(for: size, limit: limit))
      if outbox.bytes + size <= limit { return true }
      countDropped(1)
      return false
    }
  }

  func sendPing() { sendControl(.ping, UnsafeRawBufferPointer(start: nil, count: 0)) }

  /// RFC 6455, section 5.5.3: a pong repeats the ping's payload. A peer that pings and does not read its pongs would make us
  /// hold them without end: past the outbox's limit they are left out, as the section allows for all but the last.
  func sendPong(_ payload: UnsafeRawBufferPointer) {
    guard outbox.bytes < options.outboxBytesMax else { return }
    sendControl(.pong, payload)
  }

  private func sendControl(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    guard closing.isOpen else { return }
    shard.slice.group.catchUp(self)
    outbox.queueCopy(size: FrameEncoder.frameSize(payload: payload.count)) {
      FrameEncoder.write(opcode: opcode, payload: payload, to: $0)
    }
    markDirty()
  }

  // MARK: The cluster's batch

  func take(_ bytes: SharedBytes, _ range: Range<Int>, frames: Int, more: Bool) {
    guard doom == nil else { return }
    worker.counters.add(.messagesOut, frames)
    guard outbox.isEmpty, !more else {
      queue(bytes, range, written: 0)
      markDirty()
      return
    }
    let written = stream.tryWrite(bytes.base + range.lowerBound, range.count)
    if written == range.count {
      worker.counters.add(.bytesOut, written)
    } else if written >= 0 {
      worker.counters.add(.bytesOut, written)
      queue(bytes, range, written: written)
      beginWrite()
    } else {
      self.doom(.reset)
    }
  }

  /// Queues whole frames by the policy, of which the kernel has taken the first `written` bytes.
  private func queue(_ bytes: SharedBytes, _ range: Range<Int>, written: Int) {
    let limit = options.outboxBytesMax
    if outbox.bytes + range.count - written <= limit {
      outbox.queue(bytes, range, written: written)
      return
    }
    switch options.outboxPolicy {
    case .close: doom(.slow)
    case .dropNewest: countDropped(outbox.queueDroppingNewest(bytes, range, limit: limit, written: written))
    case .dropOldest: countDropped(outbox.queueDroppingOldest(bytes, range, limit: limit, written: written))
    }
  }

  private func countDropped(_ count: Int) {
    guard count > 0 else { return }
    dropped += count
    wasHigh = true
    worker.counters.add(.dropped, count)
  }

  /// Notes that it is to be closed: for where closing is not possible, in the middle of a flush.
  private func doom(_ error: Status) {
    guard doom == nil else { return }
    doom = error
    worker.doomed.append(self)
  }

  // MARK: Writing

  func markDirty() {
    guard !isDirty, !hasEnded else { return }
    isDirty = true
    worker.dirtySockets.append(self)
  }

  /// The end of the turn.
  func flush() {
    isDirty = false
    writeOut()
  }

  /// Hands the kernel what it takes; of the rest a write begins.
  func writeOut() {
    guard !hasEnded, !stream.isWriting else { return }
    while !outbox.isEmpty {
      let (written, wanted) = withVectors(bytesMax: WebSocket.collectBytesMax) { (stream.tryWrite($0), $1) }
      if written < 0 { return lost(.reset) }
      worker.counters.add(.bytesOut, written)
      outbox.wrote(written)
      if written < wanted { return beginWrite() }
    }
    drained()
  }

  private func beginWrite() {
    if outbox.bytes > options.outboxBytesMax / 2 { wasHigh = true }
    guard !outbox.isEmpty else { return }
    // Set before the write: a write that fails at once ends the socket inside the call.
    withVectors(bytesMax: Outbox.inFlightBytesMax) { vectors, bytes in
      outbox.setInFlight(bytes)
      stream.write(vectors)
    }
  }

  func streamWritten() {
    worker.counters.add(.bytesOut, outbox.inFlightBytes)
    outbox.completed()
    writeOut()
  }

  private func drained() {
    if wasHigh {
      wasHigh = false
      let dropped = self.dropped
      self.dropped = 0
      if closing.isOpen {
        worker.callOut { [self] in shard.host?.ondrain(SocketHandle(handle), dropped: dropped) }
      }
    }
    perform(closing.flushed())
  }

  private func withVectors<Result>(
    bytesMax: Int, _ body: (UnsafeMutableBufferPointer<uv_buf_t>, Int) -> Result
  ) -> Result {
    outbox.withVectors(max: WebSocket.vectorsMax, bytesMax: bytesMax, body)
  }
}

extension Worker {
  /// Closes the sockets that a flush found lost or too slow.
  func closeDoomed() {
    while let socket = doomed.popLast() { socket.closeDoomed() }
  }
}
