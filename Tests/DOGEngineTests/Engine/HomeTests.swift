import Testing

@testable import DOGEngine

extension EngineTests {
  /// Where Gateways live: nobody outside can tell.
  @Suite struct HomeTests {
    private static func names(_ count: Int, where holds: (Name) -> Bool = { _ in true }) -> [Name] {
      var names: [Name] = []
      var number = 0
      while names.count < count {
        number += 1
        if let name = Name("room \(number)"), holds(name) { names.append(name) }
      }
      return names
    }

    /// A hash without a key, of the name alone: whoever chooses names can compute it.
    private static func unkeyed(_ name: Name) -> UInt64 {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in name.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      return hash ^ hash >> 32
    }

    @Test func `E2: names that somebody has chosen by a hash do not all live on one worker`() throws {
      try TestHost(workers: 4).run { engine, _ in
        let chosen = HomeTests.names(400) { HomeTests.unkeyed($0) % 4 == 0 }
        let homes = chosen.map { engine.home(of: GatewayKey(gatewayClass: 0, name: $0)).index }
        for worker in 0..<4 { #expect(homes.count { $0 == worker } > 40) }
        // One name has one home.
        #expect(homes == chosen.map { engine.home(of: GatewayKey(gatewayClass: 0, name: $0)).index })
      }
    }

    @Test func `E2: one name of many classes does not always live on one worker, nor do those of two engines`() throws {
      let names = HomeTests.names(100)
      func homes(_ engine: Engine, _ gatewayClass: Int) -> [Int] {
        names.map { engine.home(of: GatewayKey(gatewayClass: gatewayClass, name: $0)).index }
      }
      try TestHost(workers: 4).run { engine, _ in
        #expect(homes(engine, 0) != homes(engine, 1))
        try TestHost(workers: 4).run { other, _ in #expect(homes(engine, 0) != homes(other, 0)) }
      }
    }
  }
}
