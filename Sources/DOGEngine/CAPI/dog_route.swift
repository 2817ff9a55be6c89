import CDOG

@c @implementation
public func dog_engine_route(
  _ engine: OpaquePointer?, _ pattern: UnsafePointer<CChar>?, _ gateway_class: UnsafePointer<CChar>?,
  _ name: UnsafePointer<CChar>?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    let fixed = name == nil ? nil : try text(name, as: "name")
    try engine.route(
      text(pattern, as: "pattern"), to: text(gateway_class, as: "gateway_class"), name: fixed)
    return .ok
  }
}

@c @implementation
public func dog_engine_on_fetch(
  _ engine: OpaquePointer?, _ fetch: dog_fetch_fn?, _ user: UnsafeMutableRawPointer?
) -> dog_status_t {
  explained {
    let engine = try Engine.find(engine)
    if engine.events != nil {
      guard fetch == nil else { throw Status.invalid.because("this engine delivers events: fetch must be NULL") }
      let user = HostPointer(user)
      try engine.onFetch { _, request in
        var record = EventRecord(.fetch)
        record.user = user.pointer
        Worker.current?.tellQuestion(record, request, [])
      }
      return .ok
    }
    guard let fetch else { throw Status.invalid.because("fetch is NULL") }
    let host = HostFetch(fetch: fetch, user: user)
    try engine.onFetch { engine, request in
      try host.fetch(host.user, engine.reference, request.rawValue).check()
    }
    return .ok
  }
}

/// The host's on_fetch.
///
/// `@unchecked Sendable`: dog.h says that it is called on several workers; `user` is passed on and never dereferenced.
private struct HostFetch: @unchecked Sendable {
  let fetch: dog_fetch_fn
  let user: UnsafeMutableRawPointer?
}
