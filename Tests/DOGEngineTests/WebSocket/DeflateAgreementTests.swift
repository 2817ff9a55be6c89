import Testing

@testable import DOGEngine

@Suite struct DeflateAgreementTests {
  private static func response(_ header: String, _ change: (inout DeflateSettings) -> Void = { _ in }) -> String? {
    var settings = DeflateSettings()
    change(&settings)
    guard let offers = ExtensionOffer.list([UInt8](header.utf8)) else { return "malformed" }
    guard let agreement = DeflateAgreement.choose(from: offers, settings) else { return nil }
    let said = agreement.response
    #expect(said.hasPrefix("permessage-deflate; server_no_context_takeover"))
    return String(said.dropFirst("permessage-deflate; server_no_context_takeover".count))
  }

  private static let agreed: [(offer: String, response: String)] = [
    ("permessage-deflate", "; client_no_context_takeover"),
    ("permessage-deflate; client_max_window_bits", "; client_no_context_takeover"),
    ("permessage-deflate;client_max_window_bits=10", "; client_no_context_takeover; client_max_window_bits=10"),
    ("permessage-deflate; client_max_window_bits=15", "; client_no_context_takeover"),
    ("permessage-deflate; client_max_window_bits=8", "; client_no_context_takeover; client_max_window_bits=8"),
    ("permessage-deflate; server_max_window_bits=9", "; client_no_context_takeover; server_max_window_bits=9"),
    ("permessage-deflate; server_max_window_bits=8", "; client_no_context_takeover; server_max_window_bits=8"),
    ("permessage-deflate; server_max_window_bits=15", "; client_no_context_takeover; server_max_window_bits=15"),
    ("permessage-deflate; server_max_window_bits=\"10\"", "; client_no_context_takeover; server_max_window_bits=9"),
    ("permessage-deflate; server_max_window_bits=14", "; client_no_context_takeover; server_max_window_bits=9"),
    (
      "permessage-deflate ; server_max_window_bits = \"1\\0\" ;\tclient_no_context_takeover",
      "; client_no_context_takeover; server_max_window_bits=9"
    ),
    ("permessage-deflate; server_no_context_takeover", "; client_no_context_takeover"),
    (", ,permessage-deflate,,", "; client_no_context_takeover"),
    ("x-webkit-deflate-frame, permessage-deflate", "; client_no_context_takeover"),
    ("foo; bar=\"baz\"; qux, permessage-deflate", "; client_no_context_takeover"),
    // The first is declined, the next is taken.
    (
      "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=11,permessage-deflate",
      "; client_no_context_takeover; server_max_window_bits=9"
    ),
    ("permessage-deflate; unknown, permessage-deflate", "; client_no_context_takeover"),
  ]

  @Test(arguments: agreed)
  func `an offer is agreed to`(_ offer: String, _ response: String) {
    #expect(Self.response(offer) == response)
  }

  @Test(arguments: [
    "", " ", ",", "permessage-deflate2", "x-permessage-deflate", "permessage-deflate; unknown",
    "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; server_max_window_bits=0", "permessage-deflate; server_max_window_bits=1e1",
    "permessage-deflate; server_max_window_bits=-9", "permessage-deflate; server_max_window_bits=100000000000000000000",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=010", "permessage-deflate; Server_No_Context_Takeover",
  ])
  func `an offer is declined`(_ offer: String) { #expect(Self.response(offer) == nil) }

  @Test(arguments: [
    ";", "permessage-deflate;", "permessage-deflate; ;", "permessage-deflate; a=", "permessage-deflate; =1",
    "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b", "permessage-deflate; a=\"b c\"",
    "permessage-deflate; a=b c", "permessage-deflate permessage-deflate", "permessage-deflate/", "perm(essage)",
    "permessage-deflate; a=\"b\\", "permessage-deflate; a=\"\\", "permessage-deflate; a==b", "\"permessage-deflate\"",
    "permessage-deflate, foo bar",
  ])
  func `a header that is not of the grammar is malformed`(_ header: String) {
    #expect(Self.response(header) == "malformed")
  }

  @Test func `every header, cut anywhere, does no harm`() {
    for (offer, _) in Self.agreed {
      for count in 0...offer.utf8.count { _ = Self.response(String(decoding: offer.utf8.prefix(count), as: UTF8.self)) }
    }
  }

  @Test func `the settings bound both windows`() {
    let bounded = { (settings: inout DeflateSettings) in
      settings.windowBits = 11
      settings.clientWindowBits = 10
    }
    let none = "; client_no_context_takeover"
    #expect(Self.response("permessage-deflate", bounded) == none + "; server_max_window_bits=11")
    #expect(
      Self.response("permessage-deflate; client_max_window_bits", bounded)
        == none + "; server_max_window_bits=11; client_max_window_bits=10")
    #expect(
      Self.response("permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", bounded)
        == none + "; server_max_window_bits=9; client_max_window_bits=9")
    // A client that does not let us choose may use a window of 15 bits.
    let offers = ExtensionOffer.list([UInt8]("permessage-deflate".utf8)) ?? []
    var settings = DeflateSettings()
    bounded(&settings)
    #expect(DeflateAgreement.choose(from: offers, settings)?.clientWindowBits == 15)
  }

  @Test func `a client keeps its context where the settings allow it, unless it says that it will not`() {
    let keeping = { (settings: inout DeflateSettings) in settings.keepsClientContext = true }
    #expect(Self.response("permessage-deflate", keeping) == "")
    #expect(
      Self.response("permessage-deflate; client_no_context_takeover", keeping) == "; client_no_context_takeover")
  }

  @Test func `a malformed header refuses the handshake`() {
    let sample = [
      "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
    ]
    for (value, status) in [("permessage-deflate; unknown=1", 101), ("permessage-deflate; =", 400)] {
      let result = Handshake.check(isGET: true, isHTTP11: true) { name in
        name == "sec-websocket-extensions" ? [UInt8](value.utf8) : sample[name].map { [UInt8]($0.utf8) }
      }
      switch result {
      case .accept: #expect(status == 101)
      case .refuse(let refused, _): #expect(refused == status)
      }
    }
  }
}
