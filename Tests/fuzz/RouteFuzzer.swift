@testable import DOGEngine

/// Lines: patterns, and last a path. The first pattern that takes the path names the Gateway, as a plain reading of the
/// same lines does.
enum RouteFuzzer: Fuzzer {
  static let name = "route"

  static var seeds: [[UInt8]] {
    [
      "/tasks/:name\n/tasks/a%20b/ws", "/ws\n/\n/ws/x", "/a/:x/b\n/:y\n/a/q/b", "/:name/\n/%C3%A9", "/:a\n/%zz\n",
      "/a//b\n/a//b", "//\n//", "/a:b\n/:\n/a:b", "/:x\n/%00", "/x/:n\n/x/",
      "/:n\n/" + String(repeating: "n", count: 257),
    ].map { Array($0.utf8) }
  }

  static func run(_ input: [UInt8]) {
    let lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    var router = Router()
    var wanted: GatewayKey?
    let path = lines.last ?? []
    for (index, line) in lines.dropLast().prefix(8).enumerated() {
      // A pattern comes from the host as text.
      let text = String(decoding: line, as: UTF8.self)
      guard let pattern = RoutePattern(text) else { continue }
      let fixed = pattern.hasParameter ? nil : Name("r\(index)")
      router.routes.append(Router.Route(pattern: pattern, gatewayClass: index, name: fixed))
      if wanted == nil, let parameter = plainMatch(Array(text.utf8), path), let name = parameter ?? fixed {
        wanted = GatewayKey(gatewayClass: index, name: name)
      }
    }
    Cuts.forEachPiece(path, at: []) { path in
      let found = router.match(UnsafeRawBufferPointer(path))
      expect(found == wanted, "\(String(describing: found)), where \(String(describing: wanted)) was wanted")
    }
  }

  /// Nil: no match. `.some(nil)`: a match without a parameter.
  private static func plainMatch(_ pattern: [UInt8], _ path: [UInt8]) -> Name?? {
    var wanted = pattern.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
    if wanted.last?.isEmpty == true { wanted.removeLast() }
    // "//" is "/" with a slash at its end, which means nothing, and "/" takes every path.
    if wanted.count == 1, wanted[0].isEmpty { wanted = [] }
    guard path.first == 0x2F else { return nil }
    let parts = path.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
    guard parts.count >= wanted.count else { return nil }
    var parameter: Name?
    for (segment, part) in zip(wanted, parts) {
      if segment.first == 0x3A {
        guard let decoded = Plain.percentDecoded(Array(part), isQuery: false), let name = plainName(decoded) else {
          return nil
        }
        parameter = name
      } else if Array(segment) != Array(part) {
        return nil
      }
    }
    return .some(parameter)
  }

  private static func plainName(_ bytes: [UInt8]) -> Name? {
    let isName =
      (1...256).contains(bytes.count) && !bytes.contains { $0 < 0x20 || $0 == 0x7F }
      && ReferenceDecoder.isText(bytes)
    let name = Name(bytes)
    expect((name != nil) == isName, "what is a name")
    return name
  }
}
