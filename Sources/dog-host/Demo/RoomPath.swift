/// The paths of a room: `/x` of the lobby is `/rooms/<room>/x` of another room.
enum RoomPath {
  /// What follows the room: "ws" of "/ws" and of "/rooms/den/ws"; nil for a room alone.
  static func last(of path: String) -> String? {
    let segments = segments(path)
    let rest = segments.first == "rooms" ? segments.dropFirst(2) : segments[...]
    guard rest.count <= 1 else { return rest.joined(separator: "/") }
    return rest.first.map(String.init)
  }

  /// The room as it stands in the path, percent-encoding and all.
  static func room(of path: String) -> String { segments(path).dropFirst().first.map(String.init) ?? "" }

  private static func segments(_ path: String) -> [Substring] { path.split(separator: "/") }
}
