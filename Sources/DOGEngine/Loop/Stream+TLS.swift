import CUV

/// How far a TLS connection is, and what of its ciphertext waits for the kernel.
struct TLSState {
  /// The handshake is over.
  var isReady = false
  /// The peer's FIN or close_notify has come; what came before it may not be read yet.
  var hasEnded = false
  /// True while `pump` runs, which reads on by itself.
  var isPumping = false
  /// Our close_notify was written: the FIN follows behind what waits.
  var isShut = false
  /// Behind the write in flight: what OpenSSL answers of its own while a peer does not read.
  var waiting: [UInt8] = []
}

// TLS between the kernel and the stream's owner. Ciphertext is decrypted in the loop's buffers as it comes, plaintext
// is encrypted a record at a time as the kernel takes it: a connection holds no more than the rest of one record, and
// while it does, it `isWriting`.
extension Stream {
  /// OpenSSL writes little by itself. A peer that makes it write so much and does not read is lost.
  private static var waitingBytesMax: Int { 64 << 10 }

  // MARK: Reading

  func readCiphertext(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let tls else { return }
    tls.feed(UnsafeRawBufferPointer(bytes))
    pump(tls)
    // Unless it has moved, and is another loop's by now.
    if self.tls != nil { tls.keepInput() }
  }

  /// The peer's FIN. Without a close_notify before it the end may be forged (RFC 8446, section 6.1), which HTTP and
  /// WebSocket notice by themselves: what is not whole is not used.
  func endCiphertext() {
    tlsState.hasEnded = true
    if let tls { pump(tls) }
  }

  /// Reading begins again. There may be bytes here already, which the socket will not report.
  func resumeIfPending() {
    guard let tls, tlsState.isReady, !tlsState.isPumping, tls.hasPending || tlsState.hasEnded else { return }
    loop.resumeLater(self)
  }

  func resume() {
    if let tls, isReading, !holdsBack() { pump(tls) }
  }

  /// Goes as far as the input does.
  private func pump(_ tls: TLSSession) {
    tlsState.isPumping = true
    defer { tlsState.isPumping = false }
    if !tlsState.isReady {
      let progress = tls.handshake()
      guard flush(tls) else { return fail() }
      switch progress {
      case .needMore:
        if tlsState.hasEnded { end() }
        return
      case .failed(let reason): return stopReading("the TLS handshake failed: \(reason)")
      case .done: becomeReady(tls)
      }
    }
    while isReading {
      let (count, outcome) = tls.read(into: loop.tlsBuffers.plaintext)
      guard flush(tls) else { return fail() }
      if count > 0 {
        owner?.streamRead(UnsafeMutableRawBufferPointer(rebasing: loop.tlsBuffers.plaintext[..<count]))
        // The owner may have stopped, closed or moved it. What comes behind these bytes is read when it goes on.
        guard isReading else {
          if case .ended = outcome { tlsState.hasEnded = true }
          return
        }
      }
      switch outcome {
      case .full: continue
      case .needMore:
        if tlsState.hasEnded { end() }
        return
      case .ended: return end()
      case .failed(let reason): return stopReading("it broke TLS: \(reason)")
      }
    }
  }

  private func becomeReady(_ tls: TLSSession) {
    tlsState.isReady = true
    if let subject = tls.certificateSubject { peer = peer.with(certificateSubject: subject) }
    owner?.streamReady(peer)
  }

  private func end() {
    readStop()
    owner?.streamEnded()
  }

  private func fail() {
    readStop()
    owner?.streamFailed(UV_ECONNRESET.rawValue)
  }

  private func stopReading(_ reason: String) {
    readStop()
    owner?.streamBroken(reason)
  }

  // MARK: Writing

  func tryWrite(_ base: UnsafeRawPointer, _ count: Int, as tls: TLSSession) -> Int {
    var written = 0
    while written < count, !isWriting {
      let size = min(count - written, TLSBuffers.recordBytesMax)
      guard tls.write(UnsafeRawBufferPointer(start: base + written, count: size)), flush(tls) else {
        return Int(UV_ECONNRESET.rawValue)
      }
      written += size
    }
    return written
  }

  /// Small pieces share a record.
  func tryWrite(_ buffers: UnsafeMutableBufferPointer<uv_buf_t>, as tls: TLSSession) -> Int {
    let record = tls.buffers.record
    var written = 0
    var gathered = 0
    for (index, buffer) in buffers.enumerated() {
      guard !isWriting, let base = buffer.base else { break }
      var rest = UnsafeRawBufferPointer(start: base, count: buffer.len)
      while !rest.isEmpty, !isWriting {
        let isDirect = gathered == 0 && (rest.count >= record.count || index == buffers.count - 1)
        let size = min(rest.count, record.count - gathered)
        if !isDirect {
          UnsafeMutableRawBufferPointer(rebasing: record[gathered...]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: rest[..<size]))
          gathered += size
        }
        let isLast = index == buffers.count - 1 && size == rest.count
        if isDirect || gathered == record.count || isLast {
          let piece = isDirect ? rest.baseAddress : UnsafeRawPointer(record.baseAddress)
          guard let piece else { break }
          let sent = tryWrite(piece, isDirect ? size : gathered, as: tls)
          guard sent >= 0 else { return sent }
          written += sent
          gathered = 0
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[size...])
      }
    }
    return written
  }

  /// Gives the kernel what OpenSSL has written. What the kernel does not take now is written later. False: the
  /// connection is lost.
  private func flush(_ tls: TLSSession) -> Bool {
    guard tls.buffers.ciphertextCount > 0 else { return true }
    return tls.buffers.takeCiphertext { bytes in
      // If the owner closed it meanwhile, nothing more is sent.
      guard !isClosed else { return true }
      guard isWriting else { return writeCiphertext(bytes) }
      tlsState.waiting.append(contentsOf: bytes)
      return tlsState.waiting.count <= Stream.waitingBytesMax
    }
  }

  private func writeCiphertext(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let written = tryWriteRaw(base, bytes.count)
    guard written >= 0 else { return false }
    // What is left is copied: OpenSSL's buffer is the loop's.
    if written < bytes.count { begin(Flight(copying: UnsafeRawBufferPointer(rebasing: bytes[written...]))) }
    return true
  }

  func ciphertextWritten(_ status: Int32) {
    isWriting = false
    guard !isClosed else { return }
    guard status == 0 else {
      owner?.streamFailed(status)
      return
    }
    if !tlsState.waiting.isEmpty {
      let waiting = tlsState.waiting
      tlsState.waiting = []
      guard waiting.withUnsafeBytes({ writeCiphertext($0) }) else { return fail() }
      guard !isWriting else { return }
    }
    if tlsState.isShut { return sendFIN() }
    owner?.streamWritten()
  }

  // MARK: The end

  /// close_notify, then FIN.
  func shutdown(as tls: TLSSession) {
    tlsState.isShut = true
    tls.writeCloseNotify()
    if flush(tls), !isWriting { sendFIN() }
  }

  /// Sends close_notify if the kernel takes it at once.
  func sayGoodbye(as tls: TLSSession) {
    guard !isWriting else { return }
    tls.writeCloseNotify()
    tls.buffers.takeCiphertext { bytes in
      if let base = bytes.baseAddress, !bytes.isEmpty { _ = tryWriteRaw(base, bytes.count) }
    }
  }
}
