/// An open WebSocket. Methods that send or close may be called from any thread; see dog_socket_* for what they return.
public struct SocketHandle: Hashable, Sendable {
  let handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  public init(rawValue: UInt64) { handle = Handle(rawValue: rawValue) }
  public var rawValue: UInt64 { handle.rawValue }

  /// Its object, on its own worker.
  func find() throws(Status) -> WebSocket {
    switch handle.reach(as: .socket, in: { $0.sockets }) {
    case .here(let socket, _): return socket
    case .elsewhere: throw .wrongThread
    case .failed(let status): throw status
    }
  }

  // MARK: On its own worker

  public var uid: Name? { try? find().uid }
  public var shard: ShardHandle? { (try? find()).map { ShardHandle($0.shard.handle) } }
  /// Bytes queued that the kernel has not taken yet.
  public var buffered: Int? { try? find().outbox.bytes }

  // MARK: From any thread

  @discardableResult
  public func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) -> Status {
    handle.send(kind, payload, (), as: .socket, in: { $0.sockets }) { socket, kind, payload, _ in
      socket.send(kind, payload)
    }
  }

  @discardableResult
  public func send(_ text: String) -> Status {
    var text = text
    return text.withUTF8 { send(.text, UnsafeRawBufferPointer($0)) }
  }

  @discardableResult
  public func close(code: UInt16 = 1000, reason: String = "") -> Status {
    var reason = reason
    return reason.withUTF8 { close(code: code, reason: UnsafeRawBufferPointer($0)) }
  }

  func close(code: UInt16, reason: UnsafeRawBufferPointer) -> Status {
    guard code == 0 ? reason.isEmpty : CloseCode.mayBeSent(code) else { return .invalid }
    guard reason.count <= FrameEncoder.closeReasonMax, UTF8Validator.isValid(reason) else { return .invalid }
    switch handle.reach(as: .socket, in: { $0.sockets }) {
    case .here(let socket, _): return socket.close(code: code, reason: reason)
    case .elsewhere(let worker, _):
      let copy = [UInt8](reason)
      return worker.postPayload(bytes: 0) { [handle] worker in
        copy.withUnsafeBytes { _ = worker.sockets.find(handle)?.close(code: code, reason: $0) }
      }
    case .failed(let status): return status
    }
  }

  /// To the sockets of its Shard, itself left out unless `toSelf`.
  @discardableResult
  public func emit(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, toSelf: Bool = false) -> Status {
    handle.send(kind, payload, toSelf, as: .socket, in: { $0.sockets }) { socket, kind, payload, toSelf in
      guard socket.closing.isOpen else { return .closed }
      return socket.shard.emit(kind, payload, excluding: toSelf ? nil : socket)
    }
  }

  /// To the sockets of its whole cluster, itself left out unless `toSelf`.
  @discardableResult
  public func broadcast(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, toSelf: Bool = false) -> Status {
    handle.send(kind, payload, toSelf, as: .socket, in: { $0.sockets }) { socket, kind, payload, toSelf in
      guard socket.closing.isOpen else { return .closed }
      return socket.shard.gateway.broadcast(
        kind, payload, from: socket.worker, excluding: toSelf ? nil : socket)
    }
  }

  /// To every socket of `uid` in the cluster. `whispered` is told on this socket's worker how many it was queued to.
  @discardableResult
  public func whisper(
    _ uid: Name, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer,
    whispered: (@Sendable (Int) -> Void)? = nil
  ) -> Status {
    handle.send(kind, payload, uid, as: .socket, in: { $0.sockets }) { [handle] socket, kind, payload, uid in
      guard socket.closing.isOpen else { return .closed }
      return socket.shard.gateway.whisper(uid, kind, payload, from: socket.worker) { worker, count in
        if let whispered, worker.sockets.isCurrent(handle) { worker.callOut { whispered(count) } }
      }
    }
  }
}
