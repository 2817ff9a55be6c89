@testable import DOGEngine

/// Sec-WebSocket-Extensions: what is agreed to is within the settings, is one offer of the list, and reads back as the
/// same when the answer is taken for an offer.
enum ExtensionFuzzer: Fuzzer {
  static let name = "extension"

  static var seeds: [[UInt8]] {
    [
      "permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame, permessage-deflate",
      "permessage-deflate; server_max_window_bits=10; client_no_context_takeover, permessage-deflate",
      "permessage-deflate;client_max_window_bits=\"1\\5\";server_no_context_takeover", "a;b=c;d=\"e\",,f", "a;b=\"\"",
      "a b",
      "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=08, permessage-deflate",
    ].map { Array($0.utf8) }
  }

  static func run(_ input: [UInt8]) {
    guard let offers = ExtensionOffer.list(input) else { return }
    expect(offers.count <= input.filter { $0 == 0x2C }.count + 1, "more offers than commas")
    for offer in offers {
      expect(Plain.isToken(offer.name), "a name that is no token")
      for parameter in offer.parameters {
        expect(Plain.isToken(parameter.name) && parameter.value.map { Plain.isToken($0) } != false, "\(parameter)")
      }
    }
    expect(ExtensionOffer.list(written(offers)) == offers, "written, then read again")
    for keepsContext in [false, true] {
      var settings = DeflateSettings()
      settings.windowBits = 12
      settings.clientWindowBits = 11
      settings.keepsClientContext = keepsContext
      guard let agreement = DeflateAgreement.choose(from: offers, settings) else { continue }
      expect(offers.contains { $0.name.elementsEqual("permessage-deflate".utf8) }, "agreed to what was not offered")
      expect((8...12).contains(agreement.serverWindowBits), "our window")
      expect((8...15).contains(agreement.clientWindowBits), "the client's window")
      expect(keepsContext || !agreement.keepsClientContext, "context that the settings do not keep")
      let response = agreement.response
      expect(response.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "the response: \(response)")
      guard let again = ExtensionOffer.list(Array(response.utf8)),
        let same = DeflateAgreement.choose(from: again, settings)
      else {
        expect(false, "the response is no offer that can be accepted: \(response)")
        return
      }
      expect(same.serverWindowBits == agreement.serverWindowBits, "another window of ours: \(response)")
      expect(same.keepsClientContext == agreement.keepsClientContext, "another context: \(response)")
    }
  }

  private static func written(_ offers: [ExtensionOffer]) -> [UInt8] {
    Array(
      offers.map { offer in
        [offer.name] + offer.parameters.map { $0.name + ($0.value.map { [0x3D, 0x22] + $0 + [0x22] } ?? []) }
      }.map { Array($0.joined(separator: [0x20, 0x3B])) }.joined(separator: [0x2C, 0x09]))
  }
}
