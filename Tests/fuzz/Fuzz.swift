import Glibc

/// One fuzzer: what is done with an input, and the inputs that the tests' tables give it to begin with. seeds/NAME
/// has those that no table has.
protocol Fuzzer: Sendable {
  static var name: String { get }
  static var seeds: [[UInt8]] { get }
  /// Traps where something does not hold.
  static func run(_ input: [UInt8])
}

/// DOG_FUZZER names the one that runs.
let fuzzers: [any Fuzzer.Type] = [
  RequestFuzzer.self, ChunkFuzzer.self, FrameFuzzer.self, CloseFuzzer.self, HandshakeFuzzer.self, QueryFuzzer.self,
  RouteFuzzer.self, DeflateFuzzer.self, ExtensionFuzzer.self, ProxyFuzzer.self,
  ForwardedFuzzer.self,
]

private let chosen: (any Fuzzer.Type)? = fuzzers.first { $0.name == environment("DOG_FUZZER") }

/// With DOG_FUZZ_SEEDS, a folder, it only writes the seeds of all fuzzers there, a folder for each.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
  if let folder = environment("DOG_FUZZ_SEEDS") {
    writeSeeds(folder)
    exit(0)
  }
  guard chosen != nil else {
    print("DOG_FUZZER is to be one of:", fuzzers.map { $0.name }.joined(separator: " "))
    exit(2)
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  chosen?.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}

private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private func writeSeeds(_ folder: String) {
  for fuzzer in fuzzers {
    mkdir("\(folder)/\(fuzzer.name)", 0o755)
    for (index, seed) in fuzzer.seeds.enumerated() {
      guard let file = fopen("\(folder)/\(fuzzer.name)/table-\(index)", "w") else { continue }
      fwrite(seed, 1, seed.count, file)
      fclose(file)
    }
  }
}
