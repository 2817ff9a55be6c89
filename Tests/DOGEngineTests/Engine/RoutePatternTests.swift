import Testing

@testable import DOGEngine

@Suite struct RoutePatternTests {
  private func match(_ pattern: String, _ path: String) -> RoutePattern.Match? {
    [UInt8](path.utf8).withUnsafeBytes { RoutePattern(pattern)?.match(path: $0) }
  }

  @Test(arguments: [
    ("/tasks/:name", "/tasks/x", "x"), ("/tasks/:name", "/tasks/x/", "x"), ("/tasks/:name", "/tasks/x/ws", "x"),
    ("/tasks/:name", "/tasks/x/ws/y", "x"), ("/tasks/:name", "/tasks/a%20b", "a b"),
    ("/tasks/:name", "/tasks/a+b", "a+b"),
    ("/tasks/:name", "/tasks/%2541", "%41"), ("/tasks/:name", "/tasks/a%2Fb/c", "a/b"),
    ("/tasks/:name/", "/tasks/x", "x"),
    ("/:name", "/x", "x"), ("/:name", "/x/y", "x"), ("/a/:name/ws", "/a/x/ws", "x"), ("/a/:name/ws", "/a/x/ws/z", "x"),
    ("/tasks/:name", "/tasks/%C3%A9", "é"), ("/tasks/:name", "/tasks/:name", ":name"),
  ])
  func `the parameter is a segment of the path`(_ pattern: String, _ path: String, _ name: String) {
    #expect(match(pattern, path)?.parameter == Name(name))
  }

  @Test(arguments: [
    ("/tasks/:name", "/tasks"), ("/tasks/:name", "/tasks/"), ("/tasks/:name", "/tasks//x"), ("/tasks/:name", "/task/x"),
    ("/tasks/:name", "/tasksx/y"), ("/tasks/:name", "/Tasks/x"), ("/tasks/:name", "/"), ("/tasks/:name", ""),
    ("/tasks/:name", "*"), ("/tasks/:name", "tasks/x"), ("/tasks/:name", "//tasks/x"), ("/tasks/:name", "/tasks/%"),
    ("/tasks/:name", "/tasks/%zz"), ("/tasks/:name", "/tasks/%ff"), ("/tasks/:name", "/tasks/%00"),
    ("/tasks/:name", "/tasks/%0d%0a"), ("/tasks/:name", "/tasks/%c0%af"),
    ("/tasks/:name", "/tasks/%ed%a0%80"), ("/tasks%2Fx", "/tasks/x"), ("/a/:name/ws", "/a/x"),
    ("/a/:name/ws", "/a/x/wsx"), ("/a/:name/ws", "/a//ws"),
    ("/ws", "/wsx"), ("/ws", "/w"), ("/ws", "/"), ("/ws", ""), ("/ws", "ws"), ("/ws", "*"), ("/ws", "/%77s"),
    ("/", "*"), ("/", ""), ("/a//b", "/a/b"), ("/a//", "/a"), ("/a//", "/a/b"),
  ])
  func `another path does not match`(_ pattern: String, _ path: String) {
    #expect(match(pattern, path) == nil)
  }

  @Test(arguments: [
    ("/ws", "/ws"), ("/ws", "/ws/"), ("/ws", "/ws/x"), ("/ws/", "/ws"), ("/a/b", "/a/b/c"), ("/", "/"), ("/", "/x"),
    ("/", "//"), ("/a//b", "/a//b/c"), ("/a//", "/a/"),
  ])
  func `a literal takes its path and all below it`(_ pattern: String, _ path: String) throws {
    let found = try #require(match(pattern, path))
    #expect(found.parameter == nil)
  }

  @Test func `a parameter longer than a name does not match`() {
    #expect(match("/:name", "/" + String(repeating: "x", count: 256)) != nil)
    #expect(match("/:name", "/" + String(repeating: "x", count: 257)) == nil)
    #expect(match("/:name", "/" + String(repeating: "%78", count: 256)) != nil)
  }

  @Test(arguments: ["", "tasks", ":name", "tasks/:name", "/:a/:b", "/:", "/a/:/b", "*"])
  func `a pattern that cannot be one is refused`(_ pattern: String) {
    #expect(RoutePattern(pattern) == nil)
  }

  @Test func `a pattern knows whether it has a parameter`() {
    #expect(RoutePattern("/tasks/:name")?.hasParameter == true)
    #expect(RoutePattern("/ws")?.hasParameter == false)
    #expect(RoutePattern("/a:b")?.hasParameter == false)
  }
}
