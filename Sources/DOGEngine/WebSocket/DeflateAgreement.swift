/// What permessage-deflate (RFC 7692, section 7) means on one socket: what the client offered and the settings allow.
///
/// The server keeps no context, ever: one compressed frame serves every receiver, and a receiver's outbox may drop it.
struct DeflateAgreement: Equatable, Sendable {
  /// The window that the client has for what we send: the class's, 9 or 8 bits.
  var serverWindowBits: Int
  /// The window that we must have for what the client sends: 8 to 15 bits.
  var clientWindowBits: Int
  /// True when the client may refer to its earlier messages.
  var keepsClientContext: Bool
  /// An offer that names our window is accepted by naming it (section 7.1.2.1).
  private var mustNameServerWindow: Bool
  /// Whether the client told us that we may choose its window: only then may the response name it (section 7.1.2.2).
  private var mayNameClientWindow: Bool

  /// Agrees to the first offer of permessage-deflate that can be accepted. Nil: there is none.
  static func choose(from offers: [ExtensionOffer], _ settings: DeflateSettings) -> DeflateAgreement? {
    for offer in offers where offer.name.elementsEqual("permessage-deflate".utf8) {
      if let agreement = DeflateAgreement(offer, settings) { return agreement }
    }
    return nil
  }

  /// Nil: the offer is declined (section 7.1): a parameter is unknown, there twice, or its value is not valid.
  private init?(_ offer: ExtensionOffer, _ settings: DeflateSettings) {
    var serverNoContext = false
    var clientNoContext = false
    var serverBits: Int?
    var clientBits: Int?
    for parameter in offer.parameters {
      switch String(decoding: parameter.name, as: UTF8.self) {
      case "server_no_context_takeover":
        guard parameter.value == nil, !serverNoContext else { return nil }
        serverNoContext = true
      case "client_no_context_takeover":
        guard parameter.value == nil, !clientNoContext else { return nil }
        clientNoContext = true
      case "server_max_window_bits":
        guard serverBits == nil, let bits = DeflateAgreement.windowBits(parameter.value) else { return nil }
        serverBits = bits
      case "client_max_window_bits":
        // > This parameter may have no value.
        guard clientBits == nil else { return nil }
        guard let value = parameter.value else {
          clientBits = 15
          continue
        }
        guard let bits = DeflateAgreement.windowBits(value) else { return nil }
        clientBits = bits
      default: return nil
      }
    }
    serverWindowBits = DeflateAgreement.serverWindow(within: serverBits ?? 15, settings)
    clientWindowBits = min(clientBits ?? 15, clientBits == nil ? 15 : settings.clientWindowBits)
    keepsClientContext = settings.keepsClientContext && !clientNoContext
    mustNameServerWindow = serverBits != nil
    mayNameClientWindow = clientBits != nil
  }

  /// The class's window, or else the smallest: a message to many is compressed at most twice, whatever strangers offer.
  ///
  /// A response may name a smaller window than the offer does (section 7.1.2.1). A client that offers 8 bits gets only
  /// those messages compressed that fit them: see `FrameEncoding.deflateBits`.
  private static func serverWindow(within offered: Int, _ settings: DeflateSettings) -> Int {
    offered >= settings.windowBits ? settings.windowBits : min(offered, FrameEncoding.smallWindowBits)
  }

  /// A decimal number without leading zeros, 8 to 15 (section 7.1.2).
  private static func windowBits(_ value: [UInt8]?) -> Int? {
    switch value.map({ String(decoding: $0, as: UTF8.self) }) {
    case "8": 8
    case "9": 9
    case "10": 10
    case "11": 11
    case "12": 12
    case "13": 13
    case "14": 14
    case "15": 15
    default: nil
    }
  }

  /// The value of Sec-WebSocket-Extensions in the response. A window that is not named has 15 bits.
  var response: String {
    var value = "permessage-deflate; server_no_context_takeover"
    if !keepsClientContext { value += "; client_no_context_takeover" }
    if mustNameServerWindow || serverWindowBits < 15 { value += "; server_max_window_bits=\(serverWindowBits)" }
    if mayNameClientWindow && clientWindowBits < 15 { value += "; client_max_window_bits=\(clientWindowBits)" }
    return value
  }

  var encoding: FrameEncoding { FrameEncoding(windowBits: serverWindowBits) }
}
