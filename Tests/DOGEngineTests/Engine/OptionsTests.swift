import CDOG
import Testing

@testable import DOGEngine

@Suite struct OptionsTests {
  @Test func `the defaults are within their ranges`() { #expect(Options().firstFault == nil) }

  @Test func `E2: a limit or time out of its range is named`() {
    let faults: [(String, (inout Options) -> Void)] = [
      ("workers", { $0.workers = 65 }), ("workers", { $0.workers = -1 }),
      ("connections_max", { $0.connectionsMax = 0 }), ("message_bytes_max", { $0.messageBytesMax = 0 }),
      ("outbox_bytes_max", { $0.outboxBytesMax = 1 << 40 }), ("header_timeout_ms", { $0.headerTimeoutMs = 0 }),
      ("receive_timeout_ms", { $0.receiveTimeoutMs = 86_400_001 }),
    ]
    for (name, change) in faults {
      var options = Options()
      change(&options)
      #expect(options.firstFault?.name == name)
    }
  }

  /// What a host in C has filled in: the same number in each member. A choice takes 1 and 2, whichever it is.
  private func host(_ number: UInt32) -> dog_options_t {
    var host = dog_options_t()
    withUnsafeMutableBytes(of: &host) { bytes in
      for offset in stride(from: 0, to: bytes.count, by: 4) {
        bytes.storeBytes(of: number, toByteOffset: offset, as: UInt32.self)
      }
    }
    return host
  }

  private func words(_ host: dog_options_t) -> [UInt32] {
    withUnsafeBytes(of: host) { bytes in
      stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) }
    }
  }

  private func members(_ options: Options) -> [String: String] {
    Dictionary(uniqueKeysWithValues: Mirror(reflecting: options).children.map { ($0.label ?? "", "\($0.value)") })
  }

  /// As `Options` calls what dog.h calls so.
  private func camel(_ name: String) -> String {
    let parts = name.split(separator: "_")
    return parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
  }

  @Test func `each option that is no log and no text is in the table, once`() {
    let others: Set = ["log", "trustedProxies"]
    #expect(
      Options.table.map { camel($0.name) }.sorted() == members(Options()).keys.filter { !others.contains($0) }.sorted())
  }

  @Test(arguments: Options.table) func `a row brings over its own member and no other`(row: OptionRow) {
    var one = Options()
    var two = Options()
    #expect(row.read(host(1), &one) == nil && row.read(host(2), &two) == nil)
    let (first, second) = (members(one), members(two))
    #expect(first.keys.filter { first[$0] != second[$0] } == [camel(row.name)])
    // And back: a struct of zeros has it, and nothing else. One of 64 bits is two words.
    for (options, number) in [(one, UInt32(1)), (two, 2)] {
      var host = dog_options_t()
      row.write(options, &host)
      let written = words(host).filter { $0 != 0 }
      #expect(written == [number] || row.name == "admission_memory_bytes" && written == [number, number])
    }
  }

  @Test func `an engine is not made of options that are out of range`() {
    var options = Options()
    options.bodyBytesMax = -1
    #expect(throws: Status.invalid) { try Engine.make(options) }
  }

  @Test func `an engine with a bad option is not made, and the log says which`() {
    let lines = Watched<[String]>([])
    var options = Options()
    options.bodyBytesMax = -1
    options.log = { _, line in lines.change { $0.append(line) } }
    #expect(throws: Status.invalid) { _ = try Engine.make(options) }
    #expect(lines.now.count == 1)
    #expect(lines.now.first?.contains("body_bytes_max") == true)
  }
}

extension OptionRow: CustomTestStringConvertible {
  public var testDescription: String { name }
}
