import CDOG

// The version and the statuses. These functions may also be called in a child after fork(): they touch no engine.

@c @implementation
public func dog_version() -> UInt32 {
  UInt32(DOG_VERSION_MAJOR) << 16 | UInt32(DOG_VERSION_MINOR) << 8 | UInt32(DOG_VERSION_PATCH)
}

@c @implementation
public func dog_status_name(_ status: dog_status_t) -> UnsafePointer<CChar>? {
  cdog_status_name(status.rawValue) ?? StaticString("DOG_EUNKNOWN").c
}

@c @implementation
public func dog_status_text(_ status: dog_status_t) -> UnsafePointer<CChar>? {
  cdog_status_text(status.rawValue) ?? StaticString("unknown status").c
}

extension StaticString {
  /// As a C string, which it is: a NUL follows.
  fileprivate var c: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}
