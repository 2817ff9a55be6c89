import DOGEngine

// What a socket says, and what becomes of it.
extension HostShard {
  func onmessage(_ socket: SocketHandle, _ message: Message) throws {
    if message.kind == .binary {
      try [UInt8](message.bytes.reversed()).withUnsafeBytes { try socket.send(.binary, $0).check() }
      return
    }
    let (verb, rest) = message.text.cut(at: " ")
    switch verb {
    case "echo": try socket.send(rest).check()
    case "binary": try rest.withBytes { try socket.send(.binary, $0).check() }
    case "emit", "emit+": try rest.withBytes { try socket.emit(.text, $0, toSelf: verb == "emit+").check() }
    case "broadcast", "broadcast+":
      try rest.withBytes { try socket.broadcast(.text, $0, toSelf: verb == "broadcast+").check() }
    case "shard-emit": try rest.withBytes { try shard.emit(.text, $0).check() }
    case "shard-broadcast": try rest.withBytes { try shard.broadcast(.text, $0).check() }
    case "whisper": try whisper(rest, socket) { try socket.whisper($0, .text, $1, whispered: $2).check() }
    case "shard-whisper":
      try whisper(rest, socket) { [shard] in try shard.whisper($0, .text, $1, whispered: $2).check() }
    case "gateway-broadcast", "gateway-whisper": try gateway(verb, rest, socket)
    case "gossip": try gossip(rest, socket)
    case "who": try socket.send("who \(shard.count) \(uids.joined(separator: ","))").check()
    case "id": try socket.send("id \(id)").check()
    case "hold":
      Held.hold(rest) { socket.send("released \(rest)") }
      try "holding \(rest)".withBytes { try socket.broadcast(.text, $0, toSelf: true).check() }
    case "release": try socket.send("released \(Held.release(rest))").check()
    case "close":
      let (code, reason) = rest.cut(at: " ")
      try socket.close(code: UInt16(code) ?? 0, reason: reason).check()
    case "fail": throw Status.invalid
    case "last": try socket.send("last \(last)").check()
    case "misuse": try socket.send(misuse(rest, socket)).check()
    default: try socket.send("unknown \(verb)").check()
    }
  }

  private typealias Whispering = (Name, UnsafeRawBufferPointer, @escaping @Sendable (Status, Int) -> Void) throws ->
    Void

  /// "UID X": whispers X to UID, and tells the socket how many got it.
  private func whisper(_ rest: String, _ socket: SocketHandle, _ act: Whispering) throws {
    let (uid, text) = rest.cut(at: " ")
    guard let name = Name(uid) else { throw Status.invalid }
    try text.withBytes { try act(name, $0) { _, count in socket.send("whispered \(count)") } }
  }

  private func gateway(_ verb: String, _ rest: String, _ socket: SocketHandle) throws {
    let (name, text) = rest.cut(at: " ")
    guard let room = engine.gateway("Room", name) else { return try socket.send("nobody").check() }
    if verb == "gateway-whisper" {
      try whisper(text, socket) { try room.whisper($0, .text, $1, whispered: $2).check() }
    } else {
      try text.withBytes { try room.broadcast(.text, $0).check() }
      try socket.send("told").check()
    }
  }

  private func gossip(_ rest: String, _ socket: SocketHandle) throws {
    let (milliseconds, question) = rest.cut(at: " ")
    try question.withBytes {
      try shard.gossip($0, timeoutMs: UInt64(milliseconds) ?? 0) { _, results in
        let lines = results.map { "\n\($0.shardID) \($0.status.name) \(String(decoding: $0.data, as: UTF8.self))" }
        socket.send("gossip \(results.count)\(lines.sorted().joined())")
      }.check()
    }
  }

  /// Calls the engine wrongly: the name of the status that this gave.
  private func misuse(_ what: String, _ socket: SocketHandle) -> String {
    switch what {
    case "uid":
      // No status here: the type of a uid does not take it.
      guard let name = Name(String(repeating: "u", count: Name.bytesMax + 1)) else { return Status.tooBig.name }
      return "x".withBytes { socket.whisper(name, .text, $0) }.name
    case "code": return socket.close(code: 1005).name
    case "reason": return socket.close(code: 1000, reason: String(repeating: "r", count: 124)).name
    case "big": return socket.send(String(repeating: "b", count: ConformanceHost.outboxBytesMax + 1)).name
    case "stale": return lastClosed?.send("x").name ?? "none"
    default: return Status.ok.name
    }
  }
}
