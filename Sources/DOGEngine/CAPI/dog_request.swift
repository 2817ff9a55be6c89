import CDOG

// Getters: each finds the request on its worker, then looks at where the result is to go.

@c @implementation
public func dog_request_method(
  _ request: dog_request_t, _ method: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) { try give($0.withMethod { $0 }, method, length) }
}

@c @implementation
public func dog_request_target(
  _ request: dog_request_t, _ target: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) { try give($0.withTarget { $0 }, target, length) }
}

@c @implementation
public func dog_request_path(
  _ request: dog_request_t, _ path: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) { try give($0.withPath { $0 }, path, length) }
}

@c @implementation
public func dog_request_body(
  _ request: dog_request_t, _ body: UnsafeMutablePointer<UnsafeRawPointer?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) {
    let bytes = $0.withBody { $0 }
    let (body, length) = (try required(body), try required(length))
    body.pointee = bytes.start
    length.pointee = bytes.count
    return .ok
  }
}

@c @implementation
public func dog_request_remote(
  _ request: dog_request_t, _ address: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) { try give($0.withRemote { $0 }, address, length) }
}

@c @implementation
public func dog_request_client_subject(
  _ request: dog_request_t, _ subject: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let asked = RequestHandle(rawValue: request)
    return try lend(asked.look().request.clientSubject.map { [UInt8]($0.utf8) }, of: asked.handle, subject, length)
  }
}

@c @implementation
public func dog_request_query(
  _ request: dog_request_t, _ name: UnsafePointer<CChar>?, _ name_length: Int,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let asked = RequestHandle(rawValue: request)
    return try lend(asked.look().request.query(bytes(name, name_length)), of: asked.handle, value, length)
  }
}

@c @implementation
public func dog_request_header(
  _ request: dog_request_t, _ name: UnsafePointer<CChar>?, _ name_length: Int,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  look(at: request) {
    guard value != nil, length != nil else { throw Status.invalid }
    switch $0.find(try bytes(name, name_length)) {
    case .absent: return .notFound
    case .inPlace(let found): return try give(found, value, length)
    case .joined(let joined): return try lend(joined, of: Handle(rawValue: request), value, length)
    }
  }
}

@c @implementation
public func dog_request_header_at(
  _ request: dog_request_t, _ index: Int, _ header: UnsafeMutablePointer<dog_header_t>?
) -> dog_status_t {
  look(at: request) {
    let header = try required(header)
    let found: Void? = $0.headerAt(index) { name, value in
      header.pointee = dog_header_t(
        name: name.text, name_length: name.count,
        value: value.text, value_length: value.count)
    }
    return found == nil ? .notFound : .ok
  }
}

@c @implementation
public func dog_request_protocol_at(
  _ request: dog_request_t, _ index: Int, _ protocol: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let asked = RequestHandle(rawValue: request)
    let offered = Handshake.protocols(try asked.look().request.header("sec-websocket-protocol"))
    let chosen = offered.indices.contains(index) ? [UInt8](offered[index].utf8) : nil
    return try lend(chosen, of: asked.handle, `protocol`, length)
  }
}

@c @implementation
public func dog_request_uid(
  _ request: dog_request_t, _ uid: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<Int>?
) -> dog_status_t {
  outcome {
    let asked = RequestHandle(rawValue: request)
    return try lend(asked.look().uid?.bytes, of: asked.handle, uid, length)
  }
}

/// Looks at the request, which is kept as long as what is lent: the host may answer it and still read what it got.
@inline(__always)
private func look(at request: dog_request_t, _ look: (HTTPRequest) throws -> Status) -> dog_status_t {
  outcome { try RequestHandle(rawValue: request).inCallback(look) ?? look(keeping(request)) }
}

@inline(never)
private func keeping(_ request: dog_request_t) throws(Status) -> HTTPRequest {
  let asked = RequestHandle(rawValue: request)
  let kept = try asked.look().request
  try asked.handle.withLender { $0.keep(kept) }
  return kept
}

// Answers. One that cannot be used ends the question too, so that no client is left waiting.

@c @implementation
public func dog_request_identify(
  _ request: dog_request_t, _ uid: UnsafePointer<CChar>?, _ length: Int
) -> dog_status_t {
  answer(request, .identify) { try $0.identify(bytes(uid, length)) }
}

@c @implementation
public func dog_request_clusterize(
  _ request: dog_request_t, _ shard_id: UnsafePointer<CChar>?, _ length: Int
) -> dog_status_t {
  answer(request, .clusterize) { try $0.clusterize(bytes(shard_id, length)) }
}

@c @implementation
public func dog_request_forward(
  _ request: dog_request_t, _ gateway_class: UnsafePointer<CChar>?, _ class_length: Int, _ name: UnsafePointer<CChar>?,
  _ name_length: Int
) -> dog_status_t {
  answer(request, .fetch) { try $0.forward(to: text(gateway_class, class_length), bytes(name, name_length)) }
}

@c @implementation
public func dog_request_respond(
  _ request: dog_request_t, _ status: Int32, _ headers: UnsafePointer<dog_header_t>?, _ header_count: Int,
  _ body: UnsafeRawPointer?, _ body_length: Int
) -> dog_status_t {
  answer(request, nil) { request in
    let headers = try LentHeaders(headers, count: header_count)
    let body = try bytes(body, body_length)
    return headers.withLines { request.respond(status: Int(status), lines: $0, body: body) }
  }
}

@c @implementation
public func dog_connect_options_init(
  _ options: UnsafeMutablePointer<dog_connect_options_t>?, _ size: Int
) -> dog_status_t {
  outcome { try dog_connect_options_t.make(options, size: size) }
}

@c @implementation
public func dog_request_connect(
  _ request: dog_request_t, _ options: UnsafePointer<dog_connect_options_t>?
) -> dog_status_t {
  answer(request, .receive) {
    guard options != nil else { return $0.connect(protocol: nil, headers: [], data: nil) }
    let chosen = try dog_connect_options_t(reading: options)
    let selected = try text(chosen.protocol, chosen.protocol_length)
    return try $0.connect(
      protocol: selected.isEmpty ? nil : selected,
      headers: LentHeaders(chosen.headers, count: chosen.header_count).copied, data: chosen.data)
  }
}

@c @implementation
public func dog_stream_options_init(_ options: UnsafeMutablePointer<dog_stream_options_t>?, _ size: Int) -> dog_status_t
{
  outcome { try dog_stream_options_t.make(options, size: size) }
}

@c @implementation
public func dog_request_respond_begin(
  _ request: dog_request_t, _ status: Int32, _ headers: UnsafePointer<dog_header_t>?, _ header_count: Int,
  _ options: UnsafePointer<dog_stream_options_t>?
) -> dog_status_t {
  // A stream is no answer to clusterize, whatever else is wrong with it.
  guard Handle(rawValue: request).kind != .clusterize else {
    return outcome { RequestHandle(rawValue: request).respondBegin(status: Int(status)) }
  }
  return answer(request, nil) {
    let chosen = options == nil ? dog_stream_options_t() : try dog_stream_options_t(reading: options)
    let lines = try LentHeaders(headers, count: header_count).withLines { $0.map { [UInt8]($0) } }
    return try $0.respondBegin(status: Int(status), lines: lines, ResponseStream.Listener(chosen, of: $0.handle))
  }
}

@c @implementation
public func dog_request_respond_write(
  _ request: dog_request_t, _ data: UnsafeRawPointer?, _ length: Int
) -> dog_status_t {
  outcome { try RequestHandle(rawValue: request).write(bytes(data, length)) }
}

@c @implementation
public func dog_request_respond_end(_ request: dog_request_t) -> dog_status_t {
  outcome { RequestHandle(rawValue: request).end() }
}

@c @implementation
public func dog_request_respond_abort(_ request: dog_request_t) -> dog_status_t {
  outcome { RequestHandle(rawValue: request).abort() }
}

/// Answers the question of this kind (nil: of any), or says why the arguments are no answer.
private func answer(
  _ request: dog_request_t, _ kind: Handle.Kind?, _ give: (RequestHandle) throws -> Status
) -> dog_status_t {
  let handle = RequestHandle(rawValue: request)
  return outcome {
    do { return try give(handle) } catch { return handle.refuse(error as? Status ?? .invalid, to: kind) }
  }
}

extension dog_connect_options_t: HostStruct {}
extension dog_stream_options_t: HostStruct {}

extension ResponseStream.Listener {
  fileprivate init(_ options: dog_stream_options_t, of request: Handle) throws(Status) {
    if request.takesEvents {
      guard options.onwritable == nil, options.onend == nil else { throw .invalid }
      self = Outcomes.ofStream(HostPointer(options.user))
      return
    }
    nonisolated(unsafe) let user = options.user
    self.init()
    if let call = options.onwritable { onwritable = { request in call(user, request.rawValue) } }
    if let call = options.onend {
      onend = { request, status in call(user, request.rawValue, dog_status_t(rawValue: status.rawValue)) }
    }
  }
}
