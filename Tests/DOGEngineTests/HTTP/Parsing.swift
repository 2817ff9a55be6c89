@testable import DOGEngine

/// What a parser said, in a form that can be compared.
enum Parsed: Equatable, CustomStringConvertible {
  case request(String)
  case continueExpected
  case invalid(Int)

  var description: String {
    switch self {
    case .request(let text): text
    case .continueExpected: "100-continue"
    case .invalid(let status): "\(status)"
    }
  }
}

/// Runs a parser over bytes that come in parts.
struct Parsing {
  static let limits = RequestParser.Limits(
    targetBytesMax: 8192, headerBytesMax: 16384, headerCountMax: 100, bodyBytesMax: 1 << 20)

  private(set) var events: [Parsed] = []
  private(set) var requests: [HTTPRequest] = []
  /// How many bytes were left when the first request was given out.
  private(set) var restCount = 0
  private(set) var parser: RequestParser

  init(limits: RequestParser.Limits = Parsing.limits) {
    parser = RequestParser(limits: limits, remote: "127.0.0.1:5123")
  }

  mutating func feed(_ text: String) { feed([UInt8](text.utf8)[...]) }

  mutating func feed(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { feed($0) } }

  /// Until all is read or the parser refuses.
  mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    var input = bytes
    while true {
      switch parser.next(&input) {
      case .needMore:
        precondition(input.isEmpty, "more is needed, and \(input.count) bytes were not read")
        return
      case .request(let request):
        if requests.isEmpty { restCount = input.count }
        requests.append(request)
        events.append(.request(Parsing.describe(request)))
      case .continueExpected: events.append(.continueExpected)
      case .invalid(let status, _):
        if events.last != .invalid(status) { events.append(.invalid(status)) }
        return
      }
    }
  }

  /// All that the parser says about these bytes, cut before each of `cuts`.
  static func events(
    _ bytes: [UInt8], cutAt cuts: [Int] = [], limits: RequestParser.Limits = Parsing.limits
  ) -> [Parsed] {
    var parsing = Parsing(limits: limits)
    var start = 0
    for cut in cuts + [bytes.count] {
      parsing.feed(bytes[start..<cut])
      start = cut
    }
    return parsing.events
  }

  static func events(_ text: String, limits: RequestParser.Limits = Parsing.limits) -> [Parsed] {
    events([UInt8](text.utf8), limits: limits)
  }

  /// The one request in `text`.
  static func request(_ text: String) -> HTTPRequest? {
    var parsing = Parsing()
    parsing.feed(text)
    return parsing.requests.count == 1 && parsing.events.count == 1 ? parsing.requests.first : nil
  }

  /// The places where cutting `bytes` in two parts, or into single bytes, changes what the parser says.
  static func cutsThatMatter(_ bytes: [UInt8], limits: RequestParser.Limits = Parsing.limits) -> [Int] {
    let whole = events(bytes, limits: limits)
    var cuts = bytes.indices.dropFirst().filter { events(bytes, cutAt: [$0], limits: limits) != whole }
    if events(bytes, cutAt: Array(bytes.indices.dropFirst()), limits: limits) != whole { cuts.append(-1) }
    return cuts
  }

  static func describe(_ request: HTTPRequest) -> String {
    var text = "\(request.method) \(request.target) (\(request.path))"
    text += " \(request.isHTTP11 ? "1.1" : "1.0") \(request.keepAlive ? "keep" : "close")"
    for index in 0..<request.headerCount {
      let line = request.headerAt(index) { name, value in
        "\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))"
      }
      text += " | \(line ?? "?")"
    }
    return "\(text) || \(String(decoding: request.body, as: UTF8.self))"
  }
}
