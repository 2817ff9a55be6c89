import CDOG
import Glibc

// What the C functions do with their arguments before the engine sees them. `size_t` comes over as `Int`: a length that
// no memory has is negative here, or far beyond `lengthMax`, and is refused before anything is added to it or read by
// it.

/// The longest stretch of bytes that any function takes.
private let lengthMax = 1 << 30
/// The longest text that is no payload: a name, a pattern, an address.
private let textBytesMax = 4096

/// Runs a C function's body, unless the process forked, and says what became of it.
@inline(__always)
func outcome(_ body: () throws -> Status) -> dog_status_t {
  guard !EngineTable.isForked else { return DOG_EFORKED }
  do {
    return dog_status_t(rawValue: try body().rawValue)
  } catch {
    return dog_status_t(rawValue: (error as? Status ?? .host).rawValue)
  }
}

/// What the host lends for the call. A pointer without a length is not looked at.
@inline(__always)
func bytes(_ pointer: UnsafeRawPointer?, _ length: Int) throws(Status) -> UnsafeRawBufferPointer {
  guard length != 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
  guard let pointer else { throw .invalid }
  guard (1...lengthMax).contains(length) else { throw .tooBig }
  return UnsafeRawBufferPointer(start: pointer, count: length)
}

/// A short text with its length.
func text(_ pointer: UnsafePointer<CChar>?, _ length: Int) throws(Status) -> String {
  guard (0...textBytesMax).contains(length) else { throw .invalid }
  guard let text = String(validating: try bytes(pointer, length), as: UTF8.self) else { throw .invalid }
  return text
}

/// A short text that ends with a NUL.
func text(_ pointer: UnsafePointer<CChar>?) throws(Status) -> String {
  guard let pointer else { throw .invalid }
  return try text(pointer, strnlen(pointer, textBytesMax + 1))
}

/// A uid, or what else is a name.
func name(_ pointer: UnsafePointer<CChar>?, _ length: Int) throws(Status) -> Name {
  let bytes = try bytes(pointer, length)
  guard bytes.count <= Name.bytesMax else { throw .tooBig }
  guard let name = Name(bytes) else { throw .invalid }
  return name
}

/// Where a result goes.
@inline(__always)
func required<Result>(_ pointer: UnsafeMutablePointer<Result>?) throws(Status) -> UnsafeMutablePointer<Result> {
  guard let pointer else { throw .invalid }
  return pointer
}

extension MessageKind {
  /// A C enum may hold any number.
  @inline(__always)
  init(_ kind: dog_kind_t) throws(Status) {
    switch kind {
    case DOG_TEXT: self = .text
    case DOG_BINARY: self = .binary
    default: throw .invalid
    }
  }

  var c: dog_kind_t { self == .text ? DOG_TEXT : DOG_BINARY }
}

extension [HTTPHeader] {
  private static var countMax: Int { 1000 }
  private static var bytesMax: Int { 1 << 20 }

  /// Copies the headers of a response; whether each is one that may be sent is for the engine to say.
  init(_ headers: UnsafePointer<dog_header_t>?, count: Int) throws(Status) {
    self.init()
    guard count != 0 else { return }
    guard let headers, (1...Self.countMax).contains(count) else { throw .invalid }
    reserveCapacity(count)
    var total = 0
    for header in UnsafeBufferPointer(start: headers, count: count) {
      let name = try bytes(header.name, header.name_length)
      let value = try bytes(header.value, header.value_length)
      total += name.count + value.count
      guard total <= Self.bytesMax else { throw .tooBig }
      append(HTTPHeader(nameBytes: name, valueBytes: value))
    }
  }
}
