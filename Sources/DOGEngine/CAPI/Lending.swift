import CDOG

// What getters and callbacks give to the host: pointers of the engine's, good until the callback that runs has
// returned, or until the host polls again. They are never NULL, so that a host may print or compare an empty text like
// any other.

typealias TextResult = UnsafeMutablePointer<UnsafePointer<CChar>?>
typealias LengthResult = UnsafeMutablePointer<Int>

/// Gives the host a text that lives long enough.
func give(_ bytes: UnsafeRawBufferPointer, _ text: TextResult?, _ length: LengthResult?) throws(Status) -> Status {
  let (text, length) = (try required(text), try required(length))
  text.pointee = bytes.text
  length.pointee = bytes.count
  return .ok
}

/// Gives the host a copy of a text of this object. Nil: there is none.
func lend(_ bytes: [UInt8]?, of object: Handle, _ text: TextResult?, _ length: LengthResult?) throws(Status) -> Status {
  guard text != nil, length != nil else { throw .invalid }
  guard let bytes else { return .notFound }
  return try give(object.withLender { $0.lend(bytes) }, text, length)
}

extension UnsafeRawBufferPointer {
  /// Where it begins; if it is empty, some address that is not NULL.
  @inline(__always)
  var start: UnsafeRawPointer { baseAddress ?? UnsafeRawPointer(StaticString("").utf8Start) }

  /// The same as text.
  var text: UnsafePointer<CChar> { start.assumingMemoryBound(to: CChar.self) }
}
