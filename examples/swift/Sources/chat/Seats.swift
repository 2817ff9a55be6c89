import DOGEngine

/// A Shard: it holds up to a hundred people of a room. Its methods run one at a time, so its properties need no lock.
final class Seats: Shard {
  private let shard: ShardHandle

  init(_ shard: ShardHandle) { self.shard = shard }

  func receive(_ request: RequestHandle) {
    request.connect()
  }

  func onopen(_ socket: SocketHandle) {
    "\(name(socket)) has joined".withBytes { _ = shard.broadcast(.text, $0) }
  }

  func onmessage(_ socket: SocketHandle, _ message: Message) {
    guard message.kind == .text else { return }
    let words = message.text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    if words.count == 3, words[0] == "/w", let uid = Name(String(words[1])) {
      "\(name(socket)) whispers: \(words[2])".withBytes {
        _ = socket.whisper(uid, .text, $0) { _, count in
          if count == 0 { socket.send("\(uid) is not here") }
        }
      }
    } else {
      "\(name(socket)): \(message.text)".withBytes { _ = socket.broadcast(.text, $0, toSelf: true) }
    }
  }

  func onclose(_ socket: SocketHandle, _ close: Close) {
    "\(name(socket)) has left".withBytes { _ = shard.broadcast(.text, $0) }
  }

  private func name(_ socket: SocketHandle) -> String { socket.uid?.description ?? "" }
}
