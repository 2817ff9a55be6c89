import DOGEngine

/// Everything outside the rooms: the page, and the cluster as JSON.
enum Pages {
  static func fetch(_ engine: Engine, _ request: RequestHandle) throws {
    guard let http = request.request else { return }
    switch http.path {
    case "/", "/cluster":
      guard http.isGET || http.isHEAD else {
        request.respond(
          status: 405, headers: [HTTPHeader(name: "Allow", value: "GET, HEAD")], body: "405 Method Not Allowed\n")
        return
      }
      if http.path == "/" { respondPage(request) } else { try respondCluster(engine, request) }
    default: request.respond(status: 404, body: "404 Not Found\n")
    }
  }

  /// The page has its Content-Security-Policy in an element; these are the directives that an element cannot have.
  private static let pageHeaders = [
    HTTPHeader(name: "Content-Type", value: "text/html; charset=utf-8"),
    HTTPHeader(name: "Cache-Control", value: "no-cache"),
    HTTPHeader(name: "Content-Security-Policy", value: "frame-ancestors 'none'"),
    HTTPHeader(name: "X-Content-Type-Options", value: "nosniff"),
    HTTPHeader(name: "Referrer-Policy", value: "no-referrer"),
  ]

  private static func respondPage(_ request: RequestHandle) {
    PackageResources.page_html.withUnsafeBytes {
      _ = request.respond(status: 200, headers: pageHeaders, body: $0)
    }
  }

  private static func respondCluster(_ engine: Engine, _ request: RequestHandle) throws {
    let headers = [
      HTTPHeader(name: "Content-Type", value: "application/json"), HTTPHeader(name: "Cache-Control", value: "no-store"),
    ]
    let asked = engine.inspect { views in
      request.respond(status: 200, headers: headers, body: json(views).text)
    }
    if !asked.isOK { throw asked }
  }

  private static func json(_ views: [ClusterView]) -> JSON {
    let rooms = views.sorted { $0.name.description < $1.name.description }
    return .object(["rooms": .array(rooms.map(json))])
  }

  private static func json(_ room: ClusterView) -> JSON {
    .object([
      "room": .string(room.name.description),
      "limit": .number(String(room.limit)),
      "connections": .number(String(room.connections)),
      "shards": .array(room.shards.map(json)),
    ])
  }

  private static func json(_ shard: ClusterView.ShardView) -> JSON {
    .object([
      "id": .string(shard.id.description),
      "worker": .number(String(shard.worker)),
      "connections": .number(String(shard.connections)),
      "uids": .array(shard.uids.map(\.description).sorted().map { .string($0) }),
    ])
  }
}
