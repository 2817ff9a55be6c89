// swift-tools-version: 6.2
// A package that uses DOG. A copy of it elsewhere names DOG's repository in place of this path, as docs/swift.md says.
import PackageDescription

let package = Package(
  name: "chat",
  dependencies: [
    .package(name: "dog", path: "../..")
  ],
  targets: [
    .executableTarget(name: "chat", dependencies: [.product(name: "DOGEngine", package: "dog")])
  ]
)
