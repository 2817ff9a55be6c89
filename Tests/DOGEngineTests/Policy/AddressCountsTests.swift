import Testing

@testable import DOGEngine

@Suite struct AddressCountsTests {
  private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text: text.utf8)) }

  @Test func `an address has as many places as the limit says, and gets them back`() throws {
    let counts = AddressCounts(max: 2)
    let address = try Self.address("192.0.2.1")
    var held = [counts.enter(address), counts.enter(address)]
    #expect(held.allSatisfy { $0 != nil })
    #expect(counts.enter(address) == nil)
    #expect(counts.enter(try Self.address("192.0.2.2")) != nil)
    held.removeLast()
    let again = counts.enter(address)
    #expect(again != nil)
    #expect(counts.totals == (2, 1))
    withExtendedLifetime((held, again)) {}
  }

  @Test(arguments: [
    ("192.0.2.1", "::ffff:192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("::1", "::2", true),
    ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true), ("2001:db8::1", "2001:db8:0:1::1", false),
    ("::1", "0.0.0.1", false), ("::", "::ffff:0:0", false),
  ])
  func `an IPv6 address is its network, an IPv4 address is itself`(one: String, other: String, same: Bool) throws {
    let counts = AddressCounts(max: 1)
    let held = counts.enter(try Self.address(one))
    #expect((counts.enter(try Self.address(other)) == nil) == same)
    withExtendedLifetime(held) {}
  }

  @Test func `many threads leave it empty`() async {
    let counts = AddressCounts(max: 50)
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          var random = TestRandom(seed: UInt64(worker))
          var held: [AddressCounts.Place] = []
          for _ in 0..<20_000 {
            if random.once(in: 2), !held.isEmpty {
              held.swapAt(random.below(held.count), held.count - 1)
              held.removeLast()
            } else if let place = counts.enter(IPAddress(v4: UInt32(random.below(64)))) {
              held.append(place)
            }
          }
        }
      }
    }
    #expect(counts.totals == (0, 0))
  }
}
