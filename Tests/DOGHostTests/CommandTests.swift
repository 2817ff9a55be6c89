import Testing

@testable import dog_host

@Suite struct CommandTests {
  @Test func `words alone and /a go to all`() {
    #expect(Command("hello there") == .all("hello there"))
    #expect(Command("/a hello") == .all("hello"))
    #expect(Command("/all hello") == .all("hello"))
  }

  @Test func `/g goes to the Shard`() {
    #expect(Command("/g hello you") == .group("hello you"))
    #expect(Command("/group x") == .group("x"))
  }

  @Test func `/w and /msg go to one name`() {
    #expect(Command("/w bob  good day") == .whisper(name: "bob", " good day"))
    #expect(Command("/msg bob hi") == .whisper(name: "bob", "hi"))
  }

  @Test(arguments: ["", "   ", "/g", "/g  ", "/a", "/w", "/w bob", "/w bob  "])
  func `a command without words says nothing`(line: String) { #expect(Command(line) == nil) }

  @Test func `another command is not known`() { #expect(Command("/shrug me") == .unknown("/shrug")) }
}

@Suite struct RoomPathTests {
  @Test(
    arguments: [
      ("/ws", "ws"), ("/rooms/den/ws", "ws"), ("/broadcast", "broadcast"), ("/rooms/den", nil), ("/rooms/den/", nil),
      ("/rooms/den/a/b", "a/b"),
    ] as [(String, String?)])
  func `a room's path ends in what is wanted of it`(path: String, last: String?) {
    #expect(RoomPath.last(of: path) == last)
  }

  @Test func `a room's name stays as it stands in the path`() {
    #expect(RoomPath.room(of: "/rooms/a%20b/ws") == "a%20b")
  }
}
