/// A certificate and its key, as files in PEM. The certificate's file holds its chain too.
public struct Certificate: Sendable {
  public var certificateFile: String
  public var keyFile: String

  public init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// Whether a client is asked for a certificate of its own. A certificate that it shows must be valid either way.
public enum ClientCertificate: UInt32, Sendable {
  case none = 0
  case optional = 1
  case required = 2
}

/// What a TLS listener is made of: names of files, read now and at each reload.
struct TLSSettings: Sendable {
  /// The first is the default.
  var certificates: [Certificate]
  var clientAuthoritiesFile: String?
  var clientCertificate: ClientCertificate
}

/// Why a TLS listener could not be made of its settings.
struct TLSFault: Error {
  let reason: String
}

/// The current context of a TLS listener: new connections take it, open ones keep theirs.
final class TLSListener: Sendable {
  let settings: TLSSettings
  private let state: Lock<TLSContext>

  init(_ settings: TLSSettings) throws(TLSFault) {
    self.settings = settings
    state = Lock(try TLSContext(settings))
  }

  var context: TLSContext {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
