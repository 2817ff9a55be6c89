/// A struct that host and library may know in different versions. It grows only at its end; `size` comes first and says
/// how much of it the host has.
protocol HostStruct {
  init()
  var size: Int { get set }
  /// As the function that makes it fills it in.
  static var defaults: Self { get }
  /// How large it was in the first release that had it: no host knows less. A type that has grown since says so.
  static var firstSize: Int { get }
}

/// No version of any of them will be larger; a larger `size` is not one that the host has filled in.
private let sizeMax = 4096

extension HostStruct {
  static var defaults: Self { Self() }
  static var firstSize: Int { MemoryLayout<Self>.size }

  /// Copies what the host has; members that it does not know have their defaults. One that this library does not know
  /// must be 0, for it cannot be honoured.
  init(reading pointer: UnsafePointer<Self>?) throws(Status) {
    let size = try Self.size(of: pointer)
    guard let pointer else { throw .invalid }
    let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
    guard bytes.dropFirst(MemoryLayout<Self>.size).allSatisfy({ $0 == 0 }) else { throw .invalid }
    self = Self.defaults
    withUnsafeMutableBytes(of: &self) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix($0.count))) }
  }

  /// What the host says of its size. Only the first member is read.
  static func size(of pointer: UnsafePointer<Self>?) throws(Status) -> Int {
    guard let pointer else { throw .invalid }
    let size = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
    guard (firstSize...sizeMax).contains(size) else { throw .invalid }
    return size
  }

  /// Fills in a struct of the host's that has `size` bytes. What only the host knows becomes 0.
  func write(to pointer: UnsafeMutablePointer<Self>?, size: Int) throws(Status) {
    guard let pointer, (Self.firstSize...sizeMax).contains(size) else { throw .invalid }
    var filled = self
    filled.size = size
    let target = UnsafeMutableRawBufferPointer(start: pointer, count: size)
    withUnsafeBytes(of: &filled) { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(size))) }
    for index in target.indices.dropFirst(MemoryLayout<Self>.size) { target[index] = 0 }
  }

  /// Makes one for the host.
  static func make(_ pointer: UnsafeMutablePointer<Self>?, size: Int) throws(Status) -> Status {
    try defaults.write(to: pointer, size: size)
    return .ok
  }
}
