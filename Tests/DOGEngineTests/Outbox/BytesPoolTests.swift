import Testing

@testable import DOGEngine

@Suite struct BytesPoolTests {
  @Test(arguments: [0, 1, 511, 512, 513, 1024, 5000, 1 << 20, (1 << 20) + 1, 5 << 20])
  func `what is taken is empty and has the room`(size: Int) {
    let pool = BytesPool()
    for _ in 0..<2 {
      let bytes = pool.take(atLeast: size)
      #expect(bytes.count == 0)
      #expect(bytes.capacity >= size)
      _ = bytes.extend(by: size)
      pool.give(bytes)
    }
  }

  @Test func `what was given is taken again`() {
    let pool = BytesPool()
    let bytes = pool.take(atLeast: 600)
    pool.give(bytes)
    #expect(pool.spareBytes == 1024)
    #expect(pool.take(atLeast: 1024) === bytes)
    #expect(pool.spareBytes == 0)
  }

  @Test func `who asks for little is not given much`() {
    let pool = BytesPool()
    let large = pool.take(atLeast: 100_000)
    pool.give(large)
    #expect(pool.take(atLeast: 100) !== large)
  }

  @Test func `it keeps no more than its limit`() {
    let pool = BytesPool(spareBytesMax: 4096)
    let many = (0..<100).map { _ in pool.take(atLeast: 1000) }
    for bytes in many { pool.give(bytes) }
    #expect(pool.spareBytes == 4096)
  }
}
