// A worker whose host takes events.
extension Worker {
  /// Tells a host that takes events.
  func tell(_ record: EventRecord, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
    events?.add(record, bytes)
  }

  func tell(_ record: EventRecord, _ bytes: [UInt8]) { bytes.withUnsafeBytes { tell(record, $0) } }
}
