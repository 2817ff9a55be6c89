import DOGEngine

/// A Shard: who comes and goes. What it answers over HTTP is in +Requests, what its sockets may say in +Commands.
final class HostShard: Shard {
  let shard: ShardHandle
  let engine: Engine
  /// The id, which `onstop` needs as well.
  let id: String
  var starts = 0
  /// The name of the status that was kept last.
  var last = "none"
  var lastClosed: SocketHandle?

  init(_ shard: ShardHandle, of engine: Engine) {
    self.shard = shard
    self.engine = engine
    id = shard.id?.description ?? ""
    starts += 1
    Account.count(Account.started)
  }

  func onstop() {
    Account.count(Account.ended)
    "stopped \(id)".withBytes { _ = shard.gateway?.broadcast(.text, $0) }
  }

  func onopen(_ socket: SocketHandle) throws {
    Account.count(Account.opened)
    try socket.send("hello \(uid(of: socket)) \(id)").check()
    try "joined \(uid(of: socket))".withBytes { try socket.emit(.text, $0).check() }
  }

  func onclose(_ socket: SocketHandle, _ close: Close) {
    Account.count(Account.closed)
    lastClosed = socket
    let reason = close.reason.isEmpty ? "" : " " + close.reason
    broadcast("left \(uid(of: socket)) \(close.code) \(close.isClean ? "clean" : "lost")\(reason)")
  }

  func onerror(_ socket: SocketHandle, _ error: Status) {
    if error != .host { broadcast("error \(uid(of: socket)) \(error.name)") }
  }

  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws {
    let question = String(decoding: question, as: UTF8.self)
    switch question {
    case "never": break
    case "fail": "no comment".withBytes { _ = gossip.fail($0) }
    case _ where question.hasPrefix("hold-"): hold(question) { gossip.reply("released") }
    default: try gossip.reply("\(question): \(uids.joined(separator: ","))").check()
    }
  }

  // MARK: What the rest of it needs

  func uid(of socket: SocketHandle) -> String { socket.uid?.description ?? "" }

  var uids: [String] { shard.sockets.map { uid(of: $0) }.sorted() }

  func broadcast(_ text: String) { text.withBytes { _ = shard.broadcast(.text, $0) } }

  func hold(_ key: String, _ resume: @escaping Held.Resume) {
    Held.hold(key, resume)
    broadcast("holding \(key)")
  }
}
