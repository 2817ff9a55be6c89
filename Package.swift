// swift-tools-version: 6.2
import Glibc
import PackageDescription

// Debian 13 has llhttp as a library. Debian 12 has it as C sources within node-llhttp, which are compiled here.
let hasLibraryOfLLHTTP = access("/usr/include/llhttp.h", R_OK) == 0

let package = Package(
  name: "dog",
  products: [
    .library(name: "dog", type: .dynamic, targets: ["DOGEngine"]),
    .library(name: "DOGEngine", targets: ["DOGEngine"]),
    .executable(name: "dog-host", targets: ["dog-host"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // include/dog.h as a C module, and the tables that its status list unfolds into.
    .target(name: "CDOG"),
    .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    // Strict about what RFC 9112 is strict about, as CLLHTTP.h says.
    .target(
      name: "CLLHTTP",
      cSettings: hasLibraryOfLLHTTP
        ? [] : [.define("LLHTTP_STRICT_MODE", to: "1"), .unsafeFlags(["-I/usr/share/include/llhttp"])],
      linkerSettings: hasLibraryOfLLHTTP ? [.linkedLibrary("llhttp")] : []),
    // Debug builds, so all tests, check exclusive access as the program runs; in a release that would cost more than
    // the bookkeeping of a message.
    .target(
      name: "DOGEngine", dependencies: ["CDOG", "CUV", "CLLHTTP", "CZlib", "COpenSSL"],
      swiftSettings: [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),
    .executableTarget(
      name: "dog-host",
      dependencies: ["DOGEngine", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      resources: [.embedInCode("Demo/page.html")]),
    // The host of Tests/conformance that is written in Swift.
    .executableTarget(name: "conformance-host", dependencies: ["DOGEngine"], path: "Tests/conformance/swift"),
    // The program of examples/swift, which is a package of its own and would compile the engine once more.
    .executableTarget(name: "swift-chat", dependencies: ["DOGEngine"], path: "examples/swift/Sources/chat"),
    .testTarget(name: "DOGEngineTests", dependencies: ["DOGEngine"]),
    .testTarget(name: "DOGHostTests", dependencies: ["dog-host"]),
  ]
)
