import CDOG
import Glibc

// How the C functions check their arguments before the engine sees them. `size_t` is imported as `Int`: an impossible
// length is negative here, or far above `lengthMax`, and is refused before any arithmetic or reading.

/// The longest stretch of bytes that any function takes.
private let lengthMax = 1 << 30
/// The longest text that is not a payload: a name, a pattern, an address.
private let textBytesMax = 4096

/// Runs the body of a C function, unless the process forked, and returns its status.
@inline(__always)
func outcome(_ body: () throws -> Status) -> dog_status_t {
  guard !EngineTable.isForked else { return DOG_EFORKED }
  do {
    return dog_status_t(rawValue: try body().rawValue)
  } catch {
    return dog_status_t(rawValue: (error as? Status ?? .host).rawValue)
  }
}

/// The same for a call that says why it failed: see dog_last_reason.
func explained(_ body: () throws -> Status) -> dog_status_t {
  Reason.clear()
  let status = outcome(body)
  if status == DOG_OK {
    // A reason may be left from another call, which failed in a callback meanwhile on this thread.
    Reason.clear()
  } else if Reason.isEmpty {
    Reason.note(Status(status))
  }
  return status
}

/// Bytes that the host lends for the call. If the length is 0, the pointer is not looked at.
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

/// A short text that ends with a NUL; `member` is what dog.h calls it.
func text(_ pointer: UnsafePointer<CChar>?, as member: String) throws(Status) -> String {
  guard let pointer else { throw .invalid.because("\(member) is NULL") }
  let length = strnlen(pointer, textBytesMax + 1)
  guard length <= textBytesMax else { throw .invalid.because("\(member) is longer than \(textBytesMax) bytes") }
  do {
    return try text(pointer, length)
  } catch {
    throw error.because("\(member) is not UTF-8")
  }
}

/// A flag, which is 0 or 1.
func flag(_ value: UInt32, as member: String) throws(Status) -> Bool {
  guard value <= 1 else { throw .invalid.because("\(member) is \(value), neither 0 nor 1") }
  return value == 1
}

/// A uid or another name.
func name(_ pointer: UnsafePointer<CChar>?, _ length: Int) throws(Status) -> Name {
  let bytes = try bytes(pointer, length)
  guard bytes.count <= Name.bytesMax else { throw .tooBig }
  guard let name = Name(bytes) else { throw .invalid }
  return name
}

/// Where a result goes: not NULL.
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
