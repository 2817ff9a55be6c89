// The way out. Sends of one turn collect in the outbox or in the cluster's batch; the end of the turn writes each
// socket once.
extension WebSocket {
  /// How much a turn may collect before the kernel is asked in mid-turn: a fast receiver is never called slow for what
  /// one turn produced.
  private static var collectBytesMax: Int { 256 << 10 }
  private static var pongsMax: Int { 16 }

  // MARK: One message

  /// Queues one message to this socket, behind all that was queued or broadcast to it before.
  func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    guard closing.isOpen else { return .closed }
    guard FrameEncoder.frameSize(payload: payload.count) <= options.outboxBytesMax else { return .tooBig }
    if !encoding.isPlain, let settings = shard.gateway.deflate {
      // Queueing may bring about an ondrain or an onerror, and a send in there would compress over this frame.
      return worker.holdingCallouts {
        var maker = MessageFrame.Maker(kind, payload, worker.deflaters, settings)
        return queue(maker.frame(for: encoding))
      }
    }
    return queue(MessageFrame(kind, payload))
  }

  /// The same for one of several that get this message, with callouts held as long as `maker` is in use.
  func send(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, with maker: inout MessageFrame.Maker
  ) -> Status {
    guard closing.isOpen else { return .closed }
    guard FrameEncoder.frameSize(payload: payload.count) <= options.outboxBytesMax else { return .tooBig }
    return queue(maker.frame(for: encoding))
  }

  @inline(__always)
  private func queue(_ frame: MessageFrame) -> Status {
    let size = frame.size
    group.catchUp(self)
    if outbox.bytes + size > min(WebSocket.collectBytesMax, options.outboxBytesMax) { writeOut() }
    guard closing.isOpen, doom == nil else { return .closed }
    guard makeRoom(for: size) else { return .slow }
    outbox.queueCopy(size: size) { frame.write(to: $0) }
    worker.counters.add(.messagesOut)
    if let watch { watch.messageAt = worker.now }
    markDirty()
    return .ok
  }

  /// Rule S8, for one frame. False: it is not to be queued.
  private func makeRoom(for size: Int) -> Bool {
    let limit = options.outboxBytesMax
    if outbox.bytes + size <= limit { return true }
    switch options.outboxPolicy {
    case .close:
      worker.logPeer(.info, "\(stream.peer.text): 1013, it does not read what it is sent")
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

  /// RFC 6455, section 5.5.3: a pong repeats the ping's payload; of several pings the last may be answered alone. So a
  /// peer that pings and does not read makes us hold a few pongs, which no policy drops, and the payload of its last
  /// ping. One that reads gets them all.
  func sendPong(_ payload: UnsafeRawBufferPointer) {
    if pongsQueued == WebSocket.pongsMax { writeOut() }
    guard pongsQueued < WebSocket.pongsMax else {
      pongOwed = [UInt8](payload)
      return
    }
    pongsQueued += 1
    sendControl(.pong, payload)
  }

  private func sendControl(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
    guard closing.isOpen else { return }
    group.catchUp(self)
    outbox.queueCopy(size: FrameEncoder.frameSize(payload: payload.count)) {
      FrameEncoder.write(opcode: opcode, payload: payload, to: $0)
    }
    markDirty()
  }

  // MARK: The cluster's batch

  func take(_ bytes: SharedBytes, _ range: Range<Int>, frames: Int, more: Bool) {
    guard doom == nil else { return }
    worker.counters.add(.messagesOut, frames)
    if let watch { watch.messageAt = worker.now }
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
      // The rest goes as the kernel takes it: the end of the turn begins that.
      markDirty()
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
    case .close:
      // A frame of which the peer got a part is sent whole, or the close frame would land inside it.
      _ = outbox.queueDroppingNewest(bytes, range, limit: 0, written: written)
      doom(.slow)
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

  /// Hands the kernel what it takes.
  func writeOut() {
    guard !hasEnded else { return }
    var written = 0
    let progress = outbox.write(to: stream, written: &written)
    worker.counters.add(.bytesOut, written)
    switch progress {
    case .empty: drained()
    case .waiting: if outbox.bytes > options.outboxBytesMax / 2 { wasHigh = true }
    case .lost: lost(.reset)
    }
  }

  func streamWritten() {
    worker.counters.add(.bytesOut, outbox.finishWrite())
    writeOut()
  }

  private func drained() {
    // Before the host is called: what it sends then is not flushed yet.
    perform(closing.flushed())
    guard !hasEnded else { return }
    pongsQueued = 0
    if let owed = pongOwed {
      pongOwed = nil
      owed.withUnsafeBytes { sendPong($0) }
    }
    guard wasHigh else { return }
    wasHigh = false
    let dropped = self.dropped
    self.dropped = 0
    guard closing.isOpen else { return }
    worker.callOut { [self] in
      if wasOpened { shard.host?.ondrain(SocketHandle(handle), dropped: dropped) }
    }
  }
}

extension Worker {
  /// Closes the sockets that a flush found lost or too slow.
  func closeDoomed() {
    while let socket = doomed.popLast() { socket.closeDoomed() }
  }
}
