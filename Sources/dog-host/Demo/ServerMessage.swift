import Glibc

/// What the demo tells its clients: JSON objects, each with its time.
enum ServerMessage {
  static func join(_ from: String) -> JSON { make("user:join", ["from": .string(from)]) }
  static func exit(_ from: String) -> JSON { make("user:exit", ["from": .string(from)]) }
  static func connected(_ from: String) -> JSON { make("user:connected", ["from": .string(from)]) }
  static func error(_ text: String) -> JSON { make("error", ["text": .string(text)]) }
  static func list(_ names: [String]) -> JSON { make("user:list", ["list": .array(names.map { .string($0) })]) }

  static func said(by from: String, _ text: String, meta: String? = nil, to: String? = nil) -> JSON {
    var members: [String: JSON] = ["from": .string(from), "text": .string(text)]
    if let meta { members["meta"] = .string(meta) }
    if let to { members["to"] = .string(to) }
    return make("user:msg", members)
  }

  private static func make(_ type: String, _ members: [String: JSON]) -> JSON {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let milliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    return .object(members.merging(["type": .string(type), "time": .number(String(milliseconds))]) { $1 })
  }
}
