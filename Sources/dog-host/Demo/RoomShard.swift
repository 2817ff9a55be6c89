import DOGEngine

/// The people of one Shard, and what they say.
final class RoomShard: Shard {
  private let shard: ShardHandle

  init(_ shard: ShardHandle) { self.shard = shard }

  // MARK: HTTP

  func receive(_ request: RequestHandle) throws {
    guard let http = request.request else { return }
    switch RoomPath.last(of: http.path) {
    case "ws": request.connect()
    case "broadcast":
      broadcast(ServerMessage.said(by: "HTTP", http.text))
      request.respond(status: 200, body: "DONE")
    case "emit":
      emit(ServerMessage.said(by: "HTTP", http.text, meta: "group"))
      request.respond(status: 200, body: "DONE")
    case "whisper":
      guard let target = http.query("target").flatMap({ Name($0) }) else {
        request.respond(status: 400, body: "Whom? /whisper?target=NAME\n")
        return
      }
      let message = ServerMessage.said(by: "HTTP", http.text, meta: "whisper", to: target.description)
      message.withBytes { _ = shard.whisper(target, .text, $0) }
      request.respond(status: 200, body: "DONE")
    case nil:
      // A room's own address is a link to it.
      request.respond(
        status: 302, headers: [HTTPHeader(name: "Location", value: "/?room=" + RoomPath.room(of: http.path))], body: "")
    default: request.respond(status: 404, body: "404 Not Found\n")
    }
  }

  // MARK: People

  func onopen(_ socket: SocketHandle) throws { broadcast(ServerMessage.join(from(socket))) }

  func onclose(_ socket: SocketHandle, _ close: Close) { broadcast(ServerMessage.exit(from(socket))) }

  func onmessage(_ socket: SocketHandle, _ message: Message) throws {
    guard message.kind == .text, let json = JSON(message.bytes), case .object = json else {
      send(ServerMessage.error("A message is a JSON object."), to: socket)
      return
    }
    switch json["type"]?.string {
    case "req:user:list": sendList(to: socket)
    case "req:connected": broadcast(ServerMessage.connected(from(socket)))
    case "msg": say(json["text"]?.string, socket)
    default: socket.broadcast(.text, message.bytes, toSelf: true)
    }
  }

  private func say(_ text: String?, _ socket: SocketHandle) {
    guard let text, let said = Command(text) else {
      send(ServerMessage.error("There are no words in that. Try /w NAME words, /g words, or just words."), to: socket)
      return
    }
    let from = from(socket)
    switch said {
    case .all(let words): broadcast(ServerMessage.said(by: from, words))
    case .group(let words): emit(ServerMessage.said(by: from, words, meta: "group"))
    case .whisper(let name, let words): whisper(words, to: name, from, socket)
    case .unknown(let command): send(ServerMessage.error("There is no command \(command)."), to: socket)
    }
  }

  private func whisper(_ words: String, to name: String, _ from: String, _ socket: SocketHandle) {
    guard let target = Name(name) else { return send(ServerMessage.error("\(name) is not a name."), to: socket) }
    let message = ServerMessage.said(by: from, words, meta: "whisper", to: name)
    message.withBytes {
      _ = socket.whisper(target, .text, $0) { _, reached in
        if reached == 0 { ServerMessage.error("\(name) is not here.").withBytes { _ = socket.send(.text, $0) } }
      }
    }
    // A person who whispers to itself has got the message already.
    if socket.uid != target { send(message, to: socket) }
  }

  /// Sends the one who asked the names of this Shard and, by gossip, of its siblings.
  private func sendList(to socket: SocketHandle) {
    let own = names
    let question = Array("names".utf8)
    let asked = question.withUnsafeBytes {
      shard.gossip($0, timeoutMs: 2000) { _, results in
        var all = Set(own)
        for result in results where result.status.isOK { all.formUnion(Self.names(in: result.data)) }
        ServerMessage.list(all.sorted()).withBytes { _ = socket.send(.text, $0) }
      }
    }
    if !asked.isOK { send(ServerMessage.list(Set(own).sorted()), to: socket) }
  }

  func ongossip(_ gossip: GossipHandle, _ question: UnsafeRawBufferPointer) throws {
    JSON.array(names.map { .string($0) }).withBytes { _ = gossip.reply($0) }
  }

  private static func names(in reply: [UInt8]) -> [String] { reply.withUnsafeBytes { JSON($0)?.strings } ?? [] }

  // MARK: Sending

  private var names: [String] { shard.sockets.compactMap { $0.uid?.description } }

  private func from(_ socket: SocketHandle) -> String { socket.uid?.description ?? "anon" }

  private func send(_ message: JSON, to socket: SocketHandle) { message.withBytes { _ = socket.send(.text, $0) } }

  private func broadcast(_ message: JSON) { message.withBytes { _ = shard.broadcast(.text, $0) } }

  private func emit(_ message: JSON) { message.withBytes { _ = shard.emit(.text, $0) } }
}

extension HTTPRequest {
  /// What `/broadcast`, `/emit` and `/whisper` say.
  fileprivate var text: String {
    query("text").map { String(decoding: $0, as: UTF8.self) } ?? "Hello from HTTP"
  }
}
