import FoundationEssentials
import Glibc

/// What a client says: a JSON object, of which the demo reads two members. Others are carried as they came.
struct ClientMessage: Decodable {
  let type: String?
  let text: String?

  private enum Key: CodingKey { case type, text }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Key.self)
    type = try? members.decode(String.self, forKey: .type)
    text = try? members.decode(String.self, forKey: .text)
  }

  /// Nil for what is not JSON, or not an object.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let message = try? JSONDecoder().decode(ClientMessage.self, from: Data(bytes)) else { return nil }
    self = message
  }
}

/// What the demo tells its clients.
struct ServerMessage: Encodable {
  private let type: String
  private var from: String?
  private var text: String?
  private var meta: String?
  private var to: String?
  private var list: [String]?
  /// Milliseconds since 1970.
  private let time = ServerMessage.now

  private init(_ type: String, from: String? = nil, text: String? = nil) {
    self.type = type
    self.from = from
    self.text = text
  }

  static func join(_ from: String) -> ServerMessage { ServerMessage("user:join", from: from) }
  static func exit(_ from: String) -> ServerMessage { ServerMessage("user:exit", from: from) }
  static func connected(_ from: String) -> ServerMessage { ServerMessage("user:connected", from: from) }
  static func error(_ text: String) -> ServerMessage { ServerMessage("error", text: text) }

  static func list(_ names: [String]) -> ServerMessage {
    var message = ServerMessage("user:list")
    message.list = names
    return message
  }

  static func said(by from: String, _ text: String, meta: String? = nil, to: String? = nil) -> ServerMessage {
    var message = ServerMessage("user:msg", from: from, text: text)
    message.meta = meta
    message.to = to
    return message
  }

  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { JSON.encode(self).withUnsafeBytes(body) }

  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// Names as one Shard tells them another.
enum NameList {
  static func encode(_ names: [String]) -> [UInt8] { JSON.encode(names) }
  static func decode(_ bytes: [UInt8]) -> [String] {
    (try? JSONDecoder().decode([String].self, from: Data(bytes))) ?? []
  }
}

enum JSON {
  /// Of the demo's own values, which are strings, numbers and lists of them: those always encode.
  static func encode(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { [UInt8]($0) } ?? []
  }
}
