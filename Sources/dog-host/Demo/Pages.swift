import DOGEngine

/// What is not a room's: the page, and the cluster as JSON.
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

  /// The page's own Content-Security-Policy stands in the page; what such an element cannot say stands here.
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

  private struct ClusterAnswer: Encodable {
    struct Room: Encodable {
      let room: String
      let limit: Int
      let connections: Int
      let shards: [Shard]
    }

    struct Shard: Encodable {
      let id: String
      let worker: Int
      let connections: Int
      let uids: [String]
    }

    let rooms: [Room]

    init(_ views: [ClusterView]) {
      rooms = views.map { view in
        Room(
          room: view.name.description, limit: view.limit, connections: view.connections,
          shards: view.shards.map { shard in
            Shard(
              id: shard.id.description, worker: shard.worker, connections: shard.connections,
              uids: shard.uids.map(\.description).sorted())
          })
      }.sorted { $0.room < $1.room }
    }
  }

  private static func respondCluster(_ engine: Engine, _ request: RequestHandle) throws {
    let asked = engine.inspect { views in
      JSON.encode(ClusterAnswer(views)).withUnsafeBytes {
        _ = request.respond(
          status: 200,
          headers: [
            HTTPHeader(name: "Content-Type", value: "application/json"),
            HTTPHeader(name: "Cache-Control", value: "no-store"),
          ], body: $0)
      }
    }
    if !asked.isOK { throw asked }
  }
}
