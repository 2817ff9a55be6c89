// Sending. The messages of one turn collect in the outbox or in the cluster's batch; the end of the turn writes each
// socket once.
extension WebSocket {
  /// How much a turn may collect before it is written in mid-turn: so a fast receiver is never called slow because of
  /// one turn.
  private static var collectBytesMax: Int { 256 << 10 }
  private static var pongsMax: Int { 16 }

  // MARK: One message

  /// Queues one message to this socket, behind all that was queued or broadcast to it before.
  @inline(__always)
  func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    // The common case: as it is, to a peer that keeps up, with nothing before it but what this turn has sent it too.
    let size = FrameEncoder.frameSize(payload: payload.count)
    if closing.isOpen, encoding.isPlain, !group.isDirty, doom == nil, watch == nil,
      size <= options.outboxBytesMax - outbox.bytes, let room = outbox.earlyRoom(size)
    {
      MessageFrame(kind, payload).write(to: room)
      worker.counters.add(.messagesOut)
      markDirty()
      return .ok
    }
    return sendAny(kind, payload)
  }

  @inline(never)
  private func sendAny(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    guard closing.isOpen else { return .closed }
    guard FrameEncoder.frameSize(payload: payload.count) <= options.outboxBytesMax else { return .tooBig }
    if !encoding.isPlain, let settings = shard.gateway.deflate {
      // Queueing may cause an ondrain or an onerror, and a send in there would overwrite this compressed frame.
      return worker.holdingCallouts {
        var maker = MessageFrame.Maker(kind, payload, worker.deflaters, settings)
        return queue(maker.frame(for: encoding))
      }
    }
    return queue(MessageFrame(kind, payload))
  }

  /// The same for one of several sockets that get this message. Callouts are held while `maker` is in use.
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
    let limit = options.outboxBytesMax
    if outbox.bytes + size > min(WebSocket.collectBytesMax, limit) {
      writeOut(upTo: outbox.bytes + size > limit ? .max : worker.turn.bytesLeft)
    }
    guard closing.isOpen, doom == nil else { return .closed }
    guard makeRoom(for: size) else { return .slow }
    outbox.queueCopy(size: size) { frame.write(to: $0) }
    worker.counters.add(.messagesOut)
    if let watch { watch.messageAt = worker.now }
    markDirty()
    return .ok
  }

  /// Rule S8, for one frame. False: it is not to be queued.
  @inline(__always)
  private func makeRoom(for size: Int) -> Bool { outbox.bytes + size <= options.outboxBytesMax || dropFor(size) }

  @inline(never)
  private func dropFor(_ size: Int) -> Bool {
    let limit = options.outboxBytesMax
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
  /// peer that pings and does not read makes us hold only a few pongs, which no policy drops, and the payload of its
  /// last ping. A peer that reads gets all its pongs.
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
    guard outbox.isEmpty, !more, range.count <= worker.turn.bytesLeft else { return collect(bytes, range) }
    let written = stream.tryWrite(bytes.base + range.lowerBound, range.count)
    if written == range.count {
      worker.turn.wrote(written)
    } else if written >= 0 {
      worker.turn.wrote(written)
      queue(bytes, range, written: written)
      // The rest goes out as the kernel takes it, from the end of the turn on.
      markDirty()
    } else {
      self.doom(.reset)
    }
  }

  /// Queues what is to be written later: in this turn, or in the next if this one has written enough.
  @inline(never)
  private func collect(_ bytes: SharedBytes, _ range: Range<Int>) {
    markDirty()
    guard outbox.bytes + range.count > options.outboxBytesMax, !stream.isWriting else {
      return queue(bytes, range, written: 0)
    }
    // It is too much, but the kernel has not been offered it, so the peer cannot be called slow yet. So it is written
    // now, whatever this turn has written.
    var written = 0
    let progress = outbox.write(to: stream, upTo: .max, written: &written)
    worker.turn.wrote(written)
    guard progress != .lost else { return doom(.reset) }
    guard progress == .empty else { return queue(bytes, range, written: 0) }
    written = stream.tryWrite(bytes.base + range.lowerBound, range.count)
    guard written >= 0 else { return doom(.reset) }
    worker.turn.wrote(written)
    queue(bytes, range, written: written)
  }

  /// Queues whole frames, of which the kernel has taken the first `written` bytes, by the policy.
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

  /// Notes that it is to be closed: closing is not possible in the middle of a flush.
  private func doom(_ error: Status) {
    guard doom == nil else { return }
    doom = error
    worker.turn.doomed.append(self)
  }

  // MARK: Writing

  @inline(__always)
  func markDirty() {
    guard !isDirty, !hasEnded else { return }
    isDirty = true
    worker.turn.sockets.pointee.append(handle)
  }

  /// The end of the turn.
  @inline(__always)
  func flush() {
    isDirty = false
    writeOut(upTo: min(worker.turn.bytesLeft, worker.turn.pieceBytesMax))
  }

  func writeOut() { writeOut(upTo: worker.turn.bytesLeft) }

  /// Writes what the kernel takes.
  @inline(__always)
  func writeOut(upTo bytesMax: Int) {
    guard !hasEnded else { return }
    var written = 0
    // The common case: a little, which the kernel takes, and then there is nothing more to do.
    if outbox.writeEarly(to: stream, upTo: bytesMax, written: &written), closing.isOpen, pongOwed == nil, !wasHigh {
      worker.turn.wrote(written)
      pongsQueued = 0
      return
    }
    writeOutAny(upTo: bytesMax, written)
  }

  /// `writeOut`, of which the kernel has taken the first `written` bytes.
  @inline(never)
  private func writeOutAny(upTo bytesMax: Int, _ written: Int) {
    var written = written
    let progress = outbox.write(to: stream, upTo: bytesMax, written: &written)
    worker.turn.wrote(written)
    switch progress {
    case .empty: drained()
    case .waiting: if outbox.bytes > options.outboxBytesMax / 2 { wasHigh = true }
    case .paused: markDirty()
    case .lost: lost(.reset)
    }
  }

  func writeEnded() {
    worker.turn.wrote(outbox.finishWrite())
    markDirty()
  }

  private func drained() {
    // Before the host is called, because what it sends then is not flushed yet. For an open socket nothing follows.
    if !closing.isOpen { perform(closing.flushed()) }
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
