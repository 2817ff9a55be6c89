@testable import DOGEngine

/// The bytes of one connection: they read the same however they are cut, and a request that is taken has one meaning
/// only, whoever reads it next.
enum RequestFuzzer: Fuzzer {
  static let name = "request"
  static let tight = RequestParser.Limits(targetBytesMax: 40, headerBytesMax: 200, headerCountMax: 6, bodyBytesMax: 20)

  static var seeds: [[UInt8]] {
    (RequestSamples.valid + RequestSamples.refused.map(\.text)).map { [UInt8]($0.utf8) }.filter { $0.count < 2000 }
  }

  static func run(_ input: [UInt8]) {
    for limits in [Parsing.limits, tight] {
      let whole = parse(input, cutAt: [], limits)
      for request in whole.requests { check(request, limits) }
      for cuts in Cuts.of(input) {
        let parts = parse(input, cutAt: cuts, limits)
        expect(parts.events == whole.events, "cut at \(cuts): \(parts.events), whole: \(whole.events)")
        expect(parts.requests.map(Message.init) == whole.requests.map(Message.init), "cut at \(cuts), other bytes")
      }
    }
  }

  private static func parse(_ input: [UInt8], cutAt cuts: [Int], _ limits: RequestParser.Limits) -> Parsing {
    var parsing = Parsing(limits: limits)
    Cuts.forEachPiece(input, at: cuts) { parsing.feed(UnsafeRawBufferPointer($0)) }
    return parsing
  }

  /// A request's bytes, to be compared.
  struct Message: Equatable {
    let method, target, path, body: [UInt8]
    let headers: [[[UInt8]]]
    let isHTTP11, keepAlive: Bool

    init(_ request: HTTPRequest) {
      method = request.withMethod { [UInt8]($0) }
      target = request.withTarget { [UInt8]($0) }
      path = request.withPath { [UInt8]($0) }
      body = request.body
      headers = (0..<request.headerCount).map { request.headerAt($0) { [[UInt8]($0), [UInt8]($1)] } ?? [] }
      (isHTTP11, keepAlive) = (request.isHTTP11, request.keepAlive)
    }

    func values(_ name: String) -> [[UInt8]] {
      headers.filter { Plain.lower($0[0]).elementsEqual(name.utf8) }.map { $0[1] }
    }
  }

  private static func check(_ request: HTTPRequest, _ limits: RequestParser.Limits) {
    let message = Message(request)
    expect(Plain.isToken(message.method), "the method is no token")
    expect(!message.target.isEmpty && message.target.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "the target's bytes")
    expect(message.target.count <= limits.targetBytesMax, "the target's size")
    expect(message.path.first == 0x2F || message.path == [0x2A], "the path begins with / or is *")
    expect(!message.path.contains(0x3F), "the path has no query")
    expect(message.body.count <= limits.bodyBytesMax, "the body's size")
    expect(message.headers.count <= limits.headerCountMax, "the headers' count")
    for header in message.headers {
      expect(Plain.isToken(header[0]), "the name of a header is a token")
      expect(Plain.trim(header[1]) == header[1], "a value is trimmed")
      expect(header[1].allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }, "a value has no control characters")
    }
    let hosts = message.values("host").count
    expect(hosts == 1 || hosts == 0 && !message.isHTTP11, "one Host")
    let lengths = message.values("content-length")
    let codings = message.values("transfer-encoding")
    expect(lengths.count + codings.count <= 1, "one header says where the body ends")
    if let length = lengths.first {
      expect(Int(String(decoding: length, as: UTF8.self)) == message.body.count, "as long as Content-Length says")
    } else if let coding = codings.first {
      expect(message.isHTTP11 && Plain.lower(coding).elementsEqual("chunked".utf8), "chunked and nothing else")
    } else {
      expect(message.body.isEmpty, "no body that nothing announces")
    }
    expect(message.keepAlive != closes(message), "Connection and keepAlive agree")
    checkRewritten(message)
  }

  private static func closes(_ message: Message) -> Bool {
    let options = message.values("connection").flatMap { $0.split(separator: 0x2C) }.map { Plain.lower(Plain.trim($0)) }
    if options.contains(Array("close".utf8)) { return true }
    return !message.isHTTP11 && !options.contains(Array("keep-alive".utf8))
  }

  /// What a proxy would send on, its body sized: it is read as the same request, and nothing is left over.
  private static func checkRewritten(_ message: Message) {
    var bytes = message.method + [0x20] + message.target + Array(" HTTP/1.\(message.isHTTP11 ? 1 : 0)\r\n".utf8)
    let dropped = ["content-length", "transfer-encoding", "expect"].map { Array($0.utf8) }
    for header in message.headers where !dropped.contains(Plain.lower(header[0])) {
      bytes += header[0] + Array(": ".utf8) + header[1] + Array("\r\n".utf8)
    }
    bytes += Array("Content-Length: \(message.body.count)\r\n\r\n".utf8) + message.body
    let limits = RequestParser.Limits(
      targetBytesMax: 1 << 16, headerBytesMax: 1 << 18, headerCountMax: 1000, bodyBytesMax: 1 << 20)
    let again = parse(bytes + Array("GET".utf8), cutAt: [], limits)
    expect(again.requests.count == 1 && again.events.count == 1 && again.restCount == 3, "rewritten: \(again.events)")
    guard let request = again.requests.first.map(Message.init) else { return }
    expect(request.method == message.method && request.target == message.target, "rewritten, another request line")
    expect(request.body == message.body && request.path == message.path, "rewritten, another body or path")
    expect(request.keepAlive == message.keepAlive, "rewritten, another end of the connection")
  }
}
