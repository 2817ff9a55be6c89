// A slice in which some sockets agreed to permessage-deflate has a group for each encoding in use. A message to all is
// compressed once for each encoding, or once for several that can share the frame.
extension ClusterSlice {
  private static var fewestBits: Int { 8 }

  /// The group of the sockets with this encoding.
  func group(for encoding: FrameEncoding) -> Group<WebSocket> {
    guard !encoding.isPlain else { return plain }
    if compressed.isEmpty { compressed = ContiguousArray(repeating: nil, count: 16 - ClusterSlice.fewestBits) }
    let index = encoding.windowBits - ClusterSlice.fewestBits
    if let group = compressed[index] { return group }
    let group = Group<WebSocket>(pool: worker.pool, scopesOf: plain)
    compressed[index] = group
    return group
  }

  @inline(__always)
  func forEachCompressed(_ body: (Group<WebSocket>) -> Void) {
    for case let group? in compressed { body(group) }
  }

  func count(scope: Int?) -> Int {
    var count = plain.count(scope: scope)
    forEachCompressed { count += $0.count(scope: scope) }
    return count
  }

  /// `body` may let sockets join and leave: it is called for those that were there at first.
  func forEachMember(scope: Int?, _ body: (WebSocket) -> Void) {
    guard !compressed.isEmpty else { return plain.forEachMember(scope: scope, body) }
    var members: [WebSocket] = []
    plain.forEachMember(scope: scope) { members.append($0) }
    forEachCompressed { $0.forEachMember(scope: scope) { members.append($0) } }
    for member in members { body(member) }
  }

  var hasPending: Bool { plain.isDirty || compressed.contains { $0?.isDirty == true } }

  var pendingBytes: Int { compressed.reduce(plain.pendingBytes) { $0 + ($1?.pendingBytes ?? 0) } }

  /// Tells other workers what to compress for.
  func tellEncodings() {
    guard !compressed.isEmpty else { return }
    var set = FrameEncodingSet()
    forEachGroup { encoding, group in if group.memberCount > 0 { set.insert(encoding) } }
    gateway.setEncodings(set, on: worker)
  }

  // MARK: Sending

  /// One message to the members here, in each group's encoding.
  @inline(never)
  func appendEncoded(
    _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, scope: Int?, excluding sender: WebSocket?
  ) {
    guard let deflate = gateway.deflate else { return }
    append(MessageFrame(kind, payload), to: plain, scope: scope, excluding: sender)
    var maker = MessageFrame.Maker(kind, payload, worker.deflaters, deflate)
    forEachGroup { encoding, group in
      // Nothing is compressed if only the sender would get it.
      let own = group === sender?.group ? sender : nil
      guard group.hasReceivers(scope: scope, excluding: own) else { return }
      append(maker.frame(for: encoding), to: group, scope: scope, excluding: sender)
    }
    markDirty()
  }

  /// A broadcast from another worker that knew of no members here with compression.
  @inline(never)
  func deliverEncoded(_ frame: SharedFrame) {
    frame.withBytes { bytes in
      let (kind, payload) = FrameEncoder.message(of: bytes)
      appendEncoded(kind, payload, scope: nil, excluding: nil)
    }
  }

  /// A broadcast that was encoded on the sender's worker.
  func deliver(_ message: EncodedMessage, excluding sender: WebSocket?) {
    plain.append(message.plain, excluding: sender?.group === plain ? sender : nil)
    forEachGroup { encoding, group in
      guard group.memberCount > 0 else { return }
      let sender = sender?.group === group ? sender : nil
      if let frame = message.frame(for: encoding) {
        group.append(frame, excluding: sender)
      } else if let deflate = gateway.deflate {
        // The first member with this encoding has just joined.
        message.withPayload { payload in
          var maker = MessageFrame.Maker(message.kind, payload, worker.deflaters, deflate)
          append(maker.frame(for: encoding), to: group, scope: nil, excluding: sender)
        }
      }
    }
    markDirty()
  }

  /// One message to each of these; returns to how many it was queued.
  func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to sockets: [WebSocket]) -> Int {
    var reached = 0
    guard let deflate = gateway.deflate else {
      for socket in sockets where socket.send(kind, payload).isOK { reached += 1 }
      return reached
    }
    // A socket that does not keep up causes an onerror, and a send in there would overwrite the compressed frame.
    return worker.holdingCallouts {
      var maker = MessageFrame.Maker(kind, payload, worker.deflaters, deflate)
      // By encoding, so that each is made once: no order among sockets is promised.
      for bits in [0] + FrameEncoding.compressed {
        for socket in sockets where socket.encoding.windowBits == bits {
          if socket.send(kind, payload, with: &maker).isOK { reached += 1 }
        }
      }
      return reached
    }
  }

  /// The groups of this slice with compression: none if it never had a compressed socket. The largest window first, so
  /// that encodings which share a frame follow one another.
  private func forEachGroup(_ body: (FrameEncoding, Group<WebSocket>) -> Void) {
    for index in compressed.indices.reversed() {
      guard let group = compressed[index] else { continue }
      body(FrameEncoding(windowBits: index + ClusterSlice.fewestBits), group)
    }
  }

  private func append(
    _ frame: MessageFrame, to group: Group<WebSocket>, scope: Int?, excluding sender: WebSocket?
  ) {
    let sender = sender?.group === group ? sender : nil
    group.append(size: frame.size, scope: scope, excluding: sender) { frame.write(to: $0) }
  }
}
