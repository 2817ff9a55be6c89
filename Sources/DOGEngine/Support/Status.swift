import CDOG

/// What a call came to: `ok`, or the reason why not. The values, names and sentences are those of dog.h's one list.
public struct Status: RawRepresentable, Hashable, Sendable, BitwiseCopyable, Error, CustomStringConvertible {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  init(_ status: dog_status_t) { rawValue = status.rawValue }

  public static var ok: Status { Status(DOG_OK) }
  public static var invalid: Status { Status(DOG_EINVAL) }
  public static var stale: Status { Status(DOG_ESTALE) }
  public static var wrongKind: Status { Status(DOG_EKIND) }
  public static var wrongThread: Status { Status(DOG_ETHREAD) }
  public static var forked: Status { Status(DOG_EFORKED) }
  public static var notFound: Status { Status(DOG_ENOENT) }
  public static var exists: Status { Status(DOG_EEXIST) }
  public static var wrongState: Status { Status(DOG_ESTATE) }
  public static var tooBig: Status { Status(DOG_ETOOBIG) }
  public static var full: Status { Status(DOG_EFULL) }
  public static var notUpgrade: Status { Status(DOG_EUPGRADE) }
  public static var closed: Status { Status(DOG_ECLOSED) }
  public static var addressInUse: Status { Status(DOG_EADDRINUSE) }
  public static var badAddress: Status { Status(DOG_EADDR) }
  public static var outOfMemory: Status { Status(DOG_ENOMEM) }
  public static var system: Status { Status(DOG_ESYSTEM) }
  public static var host: Status { Status(DOG_EHOST) }
  public static var timedOut: Status { Status(DOG_ETIMEDOUT) }
  public static var gone: Status { Status(DOG_EGONE) }
  public static var noHandler: Status { Status(DOG_ENOHANDLER) }
  public static var protocolError: Status { Status(DOG_EPROTOCOL) }
  public static var reset: Status { Status(DOG_ERESET) }
  public static var slow: Status { Status(DOG_ESLOW) }
  public static var rate: Status { Status(DOG_ERATE) }
  public static var tls: Status { Status(DOG_ETLS) }
  public static var cancelled: Status { Status(DOG_ECANCELLED) }

  public var isOK: Bool { rawValue == 0 }

  /// "DOG_ESTALE"
  public var name: String { cdog_status_name(rawValue).map { String(cString: $0) } ?? "DOG_EUNKNOWN" }

  /// The status as a sentence.
  public var description: String { cdog_status_text(rawValue).map { String(cString: $0) } ?? "unknown status" }
}
