// swift-tools-version: 6.2
import PackageDescription

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
    // The sources of Debian's package node-llhttp, strict about what RFC 9112 is strict about.
    .target(
      name: "CLLHTTP",
      cSettings: [.define("LLHTTP_STRICT_MODE", to: "1"), .unsafeFlags(["-I/usr/share/include/llhttp"])]),
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
    .testTarget(name: "DOGEngineTests", dependencies: ["DOGEngine"]),
    .testTarget(name: "DOGHostTests", dependencies: ["dog-host"]),
  ]
)
