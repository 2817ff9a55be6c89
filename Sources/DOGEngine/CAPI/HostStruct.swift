import CDOG

/// A struct that host and library may know in different versions. It grows only at its end; `size` comes first and says
/// how much of it the host has.
protocol HostStruct {
  init()
  var size: Int { get set }
}

/// No version of any of them will be larger; a larger `size` is not one that the host has filled in.
private let sizeMax = 4096

extension HostStruct {
  /// Copies what the host has. A member that this library does not know must be 0, for it cannot be honoured.
  init(reading pointer: UnsafePointer<Self>?) throws(Status) {
    let size = try Self.size(of: pointer)
    guard let pointer else { throw .invalid }
    let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
    guard bytes[MemoryLayout<Self>.size...].allSatisfy({ $0 == 0 }) else { throw .invalid }
    self.init()
    withUnsafeMutableBytes(of: &self) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<$0.count])) }
  }

  /// What the host says of its size. Only the first member is read.
  static func size(of pointer: UnsafePointer<Self>?) throws(Status) -> Int {
    guard let pointer else { throw .invalid }
    let size = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
    guard (MemoryLayout<Self>.size...sizeMax).contains(size) else { throw .invalid }
    return size
  }

  /// Fills in a struct of the host's that has `size` bytes. What only the host knows becomes 0.
  func write(to pointer: UnsafeMutablePointer<Self>?, size: Int) throws(Status) {
    guard let pointer, (MemoryLayout<Self>.size...sizeMax).contains(size) else { throw .invalid }
    var filled = self
    filled.size = size
    let target = UnsafeMutableRawBufferPointer(start: pointer, count: size)
    withUnsafeBytes(of: &filled) { target.copyMemory(from: $0) }
    for index in MemoryLayout<Self>.size..<size { target[index] = 0 }
  }
}
