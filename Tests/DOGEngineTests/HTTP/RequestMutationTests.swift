import Testing

@testable import DOGEngine

@Suite struct RequestMutationTests {
  private static let limits = RequestParser.Limits(
    targetBytesMax: 200, headerBytesMax: 1000, headerCountMax: 12, bodyBytesMax: 100)
  private static let tokens: [[UInt8]] = [
    "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", "\0", "\u{7f}", ";", ",", "0", "ffffffffffffffff", "chunked",
    "Host: b\r\n", "Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
    "HTTP/1.0", "GET ", "/", "?", "#", "*",
    "0\r\n\r\n", "Connection: close\r\n",
  ].map { [UInt8]($0.utf8) }

  /// Valid requests with a few bytes changed, taken out, doubled or put in.
  private func mutant(_ generator: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      bytes += [UInt8]((RequestSamples.valid.randomElement(using: &generator) ?? "").utf8)
    }
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let place = Int.random(in: 0..<max(1, bytes.count), using: &generator)
      let end = min(bytes.count, place + Int.random(in: 0...6, using: &generator))
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
      case 1: bytes.removeSubrange(min(place, end)..<end)
      case 2: bytes.insert(contentsOf: bytes[min(place, end)..<end], at: place)
      case 3: bytes.insert(contentsOf: RequestMutationTests.tokens.randomElement(using: &generator) ?? [], at: place)
      default: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
      }
    }
    return bytes
  }

  @Test(arguments: TestRandom.seeds(3))
  func `a mutated request never traps and reads the same however it is cut`(_ seed: UInt64) {
    var generator = TestRandom(seed: seed)
    for step in 0..<2_000 {
      let bytes = mutant(&generator)
      let whole = Parsing.events(bytes, limits: RequestMutationTests.limits)
      let cuts = (0..<Int.random(in: 1...8, using: &generator))
        .map { _ in Int.random(in: 0...bytes.count, using: &generator) }.sorted()
      let parts = Parsing.events(bytes, cutAt: cuts, limits: RequestMutationTests.limits)
      guard parts == whole else {
        let text = String(decoding: bytes, as: UTF8.self)
        Issue.record("seed \(seed), step \(step), cut at \(cuts): \(text.debugDescription)")
        return
      }
    }
  }

  /// Reads on from the bytes of a request itself: were its end in doubt, a second reading could find another.
  @Test(arguments: TestRandom.seeds(3))
  func `a mutant that is taken holds nothing that a proxy could read otherwise`(_ seed: UInt64) {
    var generator = TestRandom(seed: seed)
    var taken = 0
    for step in 0..<2_000 {
      var parsing = Parsing(limits: RequestMutationTests.limits)
      parsing.feed(mutant(&generator)[...])
      for request in parsing.requests {
        taken += 1
        guard let fault = doubt(about: request) else { continue }
        Issue.record("seed \(seed), step \(step): \(fault) in \(Parsing.describe(request))")
        return
      }
    }
    #expect(taken > 500, "seed \(seed)")
  }

  private func doubt(about request: HTTPRequest) -> String? {
    var names: [String] = []
    for index in 0..<request.headerCount {
      let isClean = request.headerAt(index) { name, value in
        names.append(String(decoding: name, as: UTF8.self).lowercased())
        return HeaderName.isToken(name) && value.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 9 }
          && value.first != 0x20 && value.last != 0x20
      }
      if isClean != true { return "a header that is not clean" }
    }
    let count = { (name: String) in names.count { $0 == name } }
    if count("host") > 1 || count("content-length") + count("transfer-encoding") > 1 { return "two of a kind" }
    if request.isHTTP11, count("host") == 0 { return "no Host" }
    let value = { (name: String) in request.header(name).map { String(decoding: $0, as: UTF8.self) } }
    if let length = value("content-length"), Int(length) != request.body.count { return "another length" }
    if let coding = value("transfer-encoding"), coding.lowercased() != "chunked" { return "a coding" }
    if count("content-length") + count("transfer-encoding") == 0, !request.body.isEmpty { return "a body" }
    let isOrigin = request.path.hasPrefix("/") && !request.path.contains { "?# ".contains($0) }
    return isOrigin || request.target == "*" && request.method == "OPTIONS" ? nil : "the path \(request.path)"
  }
}
