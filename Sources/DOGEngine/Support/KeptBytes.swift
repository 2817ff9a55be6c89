/// Bytes that stay in place as long as this lives: so a host may be given a pointer to them.
final class KeptBytes: Sendable {
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  init(copying source: some Collection<UInt8>) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    copy.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }
}
