/// The part of a head that has come, when the network did not deliver it in one piece.
final class PartialHead {
  private var storage: UnsafeMutableRawBufferPointer
  private var count = 0
  private(set) var scanner: HeadScanner

  /// `scanner` has seen what will be appended first.
  init(scanner: HeadScanner) {
    self.scanner = scanner
    storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  deinit { storage.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

  var bytesHeld: Int { storage.count }

  /// All there is is a CR: the first half of an empty line before the request.
  var isLoneReturn: Bool { count == 1 && storage[0] == UInt8(ascii: "\r") }

  var isHEAD: Bool { bytes.beginsHEAD }

  /// Takes bytes from the input until it holds `countMax` of them.
  func append(_ input: inout UnsafeRawBufferPointer, upTo countMax: Int) {
    let taken = input.prefix(max(0, countMax - count))
    let needed = count + taken.count
    if needed > storage.count {
      let grown = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(needed, min(storage.count * 2, countMax)), alignment: 16)
      grown.copyMemory(from: bytes)
      storage.deallocate()
      storage = grown
    }
    UnsafeMutableRawBufferPointer(rebasing: storage[count..<needed]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: taken))
    count = needed
    input = UnsafeRawBufferPointer(rebasing: input[taken.endIndex...])
  }

  func scan() -> HeadScanner.Outcome { scanner.scan(bytes) }
}

extension UnsafeRawBufferPointer {
  /// Of the bytes of a head, however few: its method is HEAD.
  var beginsHEAD: Bool { starts(with: StaticString("HEAD ").bytes) }
}
