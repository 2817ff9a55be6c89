/// A struct of which host and library may have different versions. It grows only at its end. `size` comes first and
/// says how large the host's is.
protocol HostStruct {
  init()
  var size: Int { get set }
  /// What the function that initialises it fills in.
  static var defaults: Self { get }
  /// How large it was in the first release that had it: no host's is smaller. A type that has grown since then
  /// overrides this.
  static var firstSize: Int { get }
}

/// No version of any of them will be larger: a larger `size` was not filled in by the host.
private let sizeMax = 4096

extension HostStruct {
  static var defaults: Self { Self() }
  static var firstSize: Int { MemoryLayout<Self>.size }

  /// Copies what the host has; members that it does not know get their defaults. A member that this library does not
  /// know must be 0, because it cannot be honoured.
  init(reading pointer: UnsafePointer<Self>?) throws(Status) {
    let size = try Self.size(of: pointer)
    guard let pointer else { throw .invalid }
    let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
    guard bytes.dropFirst(MemoryLayout<Self>.size).allSatisfy({ $0 == 0 }) else {
      throw .invalid.because("\(Self.self) has members that this version of libdog does not know")
    }
    self = Self.defaults
    withUnsafeMutableBytes(of: &self) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix($0.count))) }
  }

  /// The size that the host has filled in. Only the first member is read.
  static func size(of pointer: UnsafePointer<Self>?) throws(Status) -> Int {
    guard let pointer else { throw .invalid.because("\(Self.self) is NULL") }
    let size = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
    guard (firstSize...sizeMax).contains(size) else {
      throw .invalid.because("\(Self.self).size is \(size), not \(firstSize) to \(sizeMax)")
    }
    return size
  }

  /// Fills in a struct of the host's that has `size` bytes. Members that only the host knows become 0.
  func write(to pointer: UnsafeMutablePointer<Self>?, size: Int) throws(Status) {
    guard let pointer, (Self.firstSize...sizeMax).contains(size) else { throw .invalid }
    var filled = self
    filled.size = size
    let target = UnsafeMutableRawBufferPointer(start: pointer, count: size)
    withUnsafeBytes(of: &filled) { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(size))) }
    for index in target.indices.dropFirst(MemoryLayout<Self>.size) { target[index] = 0 }
  }

  /// Initialises one for the host.
  static func make(_ pointer: UnsafeMutablePointer<Self>?, size: Int) throws(Status) -> Status {
    try defaults.write(to: pointer, size: size)
    return .ok
  }
}
