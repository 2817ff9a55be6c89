// A worker whose host takes events.
extension Worker {
  /// Tells a host that takes events.
  func tell(
    _ record: EventRecord, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ object: (any AnyObject & Sendable)? = nil
  ) {
    events?.add(record, bytes, object)
  }

  func tell(_ record: EventRecord, _ bytes: [UInt8], _ object: (any AnyObject & Sendable)? = nil) {
    bytes.withUnsafeBytes { tell(record, $0, object) }
  }
}
