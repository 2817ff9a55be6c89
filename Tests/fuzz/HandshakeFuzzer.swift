import COpenSSL

@testable import DOGEngine

/// The headers of an opening handshake, one line each, hostile beyond what a request parser would let through: what is
/// accepted is what RFC 6455, section 4.2.1, lists, and nothing of it can get into the response but tokens.
enum HandshakeFuzzer: Fuzzer {
  static let name = "handshake"

  static var seeds: [[UInt8]] {
    let key = "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\n"
    let rest = "connection:keep-alive, Upgrade\nsec-websocket-version:13\nsec-websocket-protocol:chat, a b, superchat"
    return [
      "upgrade:websocket\n\(key)\(rest)", "upgrade:h2c, WebSocket\n\(key)\(rest)", "upgrade:websocket\n\(rest)",
      "upgrade:websocket\n\(key)\(key)\(rest)", "upgrade:websocket\nsec-websocket-key:dGhl\n\(rest)",
      "connection:upgrade\nupgrade:,,\twebsocket ,\nsec-websocket-version: 13 \n\(key)",
    ].map { Array($0.utf8) }
  }

  static func run(_ input: [UInt8]) {
    var headers: [[UInt8]: [UInt8]] = [:]
    for line in input.split(separator: 0x0A) {
      let name = line.prefix { $0 != 0x3A }
      let value = Array(line.dropFirst(name.count + 1))
      headers[Plain.lower(name)] = headers[Plain.lower(name)].map { $0 + Array(", ".utf8) + value } ?? value
    }
    let header = { (name: String) in headers[Array(name.utf8)] }
    let result = Handshake.check(isGET: true, isHTTP11: true, header: header)
    let wanted = status(header)
    switch result {
    case .accept(let accept):
      expect(wanted == 101, "accepted, where \(wanted) was wanted")
      let key = Plain.trim(header("sec-websocket-key") ?? [])
      expect(accept == proof(of: key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)), "the key")
    case .refuse(let status, _): expect(status == wanted, "refused with \(status), where \(wanted) was wanted")
    }
    expect(Handshake.check(isGET: false, isHTTP11: true, header: header) == .refuse(status: 405, reason: ""), "not GET")
    if wanted == 101 {
      let old = Handshake.check(isGET: true, isHTTP11: false, header: header)
      expect(old == .refuse(status: 400, reason: ""), "not HTTP/1.1")
    }
    let offered = Handshake.protocols(header("sec-websocket-protocol"))
    let plain = list(header("sec-websocket-protocol") ?? []).filter { Plain.isToken($0) }
    expect(offered.map { Array($0.utf8) } == plain, "protocols: \(offered)")
  }

  /// Base64 of the SHA-1, by another function of the library's than the engine's.
  private static func proof(of text: [UInt8]) -> [UInt8] {
    var hash = [UInt8](repeating: 0, count: 20)
    var encoded = [UInt8](repeating: 0, count: 29)
    expect(SHA1(text, text.count, &hash) != nil && EVP_EncodeBlock(&encoded, hash, 20) == 28, "SHA-1 of OpenSSL")
    return encoded.dropLast()
  }

  private static func status(_ header: (String) -> [UInt8]?) -> Int {
    let upgrade = list(header("upgrade") ?? []).map { Plain.lower($0) }
    let connection = list(header("connection") ?? []).map { Plain.lower($0) }
    guard upgrade.contains(Array("websocket".utf8)), connection.contains(Array("upgrade".utf8)),
      Plain.trim(header("sec-websocket-version") ?? []) == Array("13".utf8)
    else { return 426 }
    let key = Plain.trim(header("sec-websocket-key") ?? [])
    let digits = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    guard key.count == 24, key.suffix(2) == [0x3D, 0x3D], key.prefix(22).allSatisfy(digits.contains) else { return 400 }
    if let protocols = header("sec-websocket-protocol").map(list) {
      guard protocols.allSatisfy({ Plain.isToken($0) }) else { return 400 }
    }
    // ExtensionFuzzer is about that grammar.
    return header("sec-websocket-extensions").map { ExtensionOffer.list($0) != nil } == false ? 400 : 101
  }

  private static func list(_ value: [UInt8]) -> [[UInt8]] {
    value.split(separator: 0x2C).map { Plain.trim($0) }.filter { !$0.isEmpty }
  }
}
