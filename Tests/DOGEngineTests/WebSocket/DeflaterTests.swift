import Testing

@testable import DOGEngine

extension DeflaterPool {
  /// Without a bound on what a turn may compress.
  convenience init() { self.init(DeflateBudget(bytesMax: .max)) }
}

@Suite struct DeflaterTests {
  /// What a client with exactly this window makes of a payload: zlib looks beyond the bytes of one call only in its
  /// window, so that calls for one byte each find a reference that is too far.
  private static func inflate(_ payload: [UInt8], windowBits: Int) -> [UInt8]? {
    let inflater = Inflater(windowBits: windowBits)
    inflater.begin(keepsContext: false)
    var inflated: [UInt8] = []
    func feed(_ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes { bytes in
        var input = bytes
        var byte: UInt8 = 0
        while true {
          let step = withUnsafeMutableBytes(of: &byte) { inflater.inflate(&input, into: $0) }
          switch step {
          case .inflated(1): inflated.append(byte)
          case .inflated: return true
          case .invalid, .noMemory: return false
          }
        }
      }
    }
    guard feed(payload), feed(inflater.end), inflater.isComplete else { return nil }
    return inflated
  }

  @Test(arguments: 8...15)
  func `every peer can inflate what is made for its window`(_ bits: Int) {
    let pool = DeflaterPool()
    let encoding = FrameEncoding(windowBits: bits)
    var settings = DeflateSettings()
    settings.bytesMin = 0
    var random = TestRandom(seed: UInt64(bits))
    var compressed = 0
    for count in [2, 10, 64, 200, 250, 255, 256, 257, 500, 1000, 5000, 40_000, 70_000] {
      for level in [1, 6, 9] {
        settings.level = level
        // A stretch that comes again from far away, where too large a window would find it.
        let stretch = Deflated.message(min(count / 3, 300), using: &random)
        let between = (0..<max(count - 2 * stretch.count, 0)).map { _ in UInt8.random(in: 0...255, using: &random) }
        for message in [stretch + between + stretch, Deflated.message(count, using: &random)] {
          message.withUnsafeBytes { bytes in
            var maker = MessageFrame.Maker(.binary, bytes, pool, settings)
            let frame = maker.frame(for: encoding)
            #expect(frame.size <= FrameEncoder.frameSize(payload: message.count))
            if frame.isCompressed {
              compressed += 1
              #expect(frame.payload.count < message.count)
              #expect(Self.inflate([UInt8](frame.payload), windowBits: bits) == message, "\(count) at level \(level)")
            } else {
              #expect([UInt8](frame.payload) == message)
            }
          }
        }
      }
    }
    #expect(compressed > (bits == 8 ? 10 : 25))
  }

  @Test func `what is short or does not shrink goes out as it is`() {
    let pool = DeflaterPool()
    let settings = DeflateSettings()
    var random = TestRandom(seed: 7)
    let noise = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
    for (message, isCompressed) in [
      ([], false), ([0x61], false), ([UInt8](repeating: 0x61, count: 63), false),
      ([UInt8](repeating: 0x61, count: 64), true), (noise, false),
      (noise + [UInt8](repeating: 0x61, count: 9000), true),
    ] {
      message.withUnsafeBytes { bytes in
        var maker = MessageFrame.Maker(.text, bytes, pool, settings)
        #expect(maker.frame(for: FrameEncoding(windowBits: 15)).isCompressed == isCompressed, "\(message.count)")
        #expect(!maker.frame(for: .plain).isCompressed)
      }
    }
  }

  @Test func `a frame is that of its message, with RSV1 where it is compressed`() {
    let message = [UInt8](repeating: 0x61, count: 1000)
    message.withUnsafeBytes { bytes in
      var maker = MessageFrame.Maker(.text, bytes, DeflaterPool(), DeflateSettings())
      for (bits, first) in [(0, 0x81), (12, 0xC1)] {
        let frame = maker.frame(for: FrameEncoding(windowBits: bits))
        let written = SharedFrame(size: frame.size) { frame.write(to: $0) }
        written.withBytes { #expect(Int($0[0]) == first && $0.count == frame.size) }
      }
    }
  }

  @Test(arguments: 9...15)
  func `whatever windows strangers offer, a message to all is compressed twice at most`(_ classBits: Int) throws {
    var settings = DeflateSettings()
    settings.windowBits = classBits
    var wanted = FrameEncodingSet()
    for bits in 8...15 {
      let offers = ExtensionOffer.list([UInt8]("permessage-deflate; server_max_window_bits=\(bits)".utf8)) ?? []
      let agreement = try #require(DeflateAgreement.choose(from: offers, settings))
      #expect(agreement.serverWindowBits <= min(bits, classBits))
      #expect([8, 9, classBits].contains(agreement.serverWindowBits), "\(bits)")
      wanted.insert(agreement.encoding)
    }
    for count in [64, 200, 250, 256, 257, 500, 5000, 40_000] {
      let message = [UInt8](repeating: 0x61, count: count)
      let pool = DeflaterPool()
      message.withUnsafeBytes { _ = EncodedMessage(.text, $0, for: wanted, pool, settings) }
      #expect(Int.max - pool.budget.bytesLeft <= 2 * count, "\(count)")
    }
  }

  @Test func `a turn compresses so much, the next one as much again`() {
    let pool = DeflaterPool(DeflateBudget(bytesMax: 2500))
    let message = [UInt8](repeating: 0x61, count: 1000)
    for _ in 0..<3 {
      message.withUnsafeBytes { bytes in
        for expected in [true, true, false, false] {
          let isCompressed = pool.compress(bytes, windowBits: 15, DeflateSettings()) != nil
          #expect(isCompressed == expected)
        }
        // What is shorter than the rest still fits.
        #expect(
          pool.compress(UnsafeRawBufferPointer(rebasing: bytes[..<400]), windowBits: 15, DeflateSettings()) != nil)
      }
      pool.endTurn()
    }
  }

  @Test func `a byte counts for what its level costs, and no length overflows`() {
    var before = 0
    for level in 1...9 {
      let weight = DeflateBudget.weight(ofLevel: level)
      #expect(weight >= before)
      before = weight
      var budget = DeflateBudget(bytesMax: 100 * weight)
      for (bytes, isSpent) in [(101, false), (Int.max, false), (100, true), (1, false)] {
        let spent = budget.spend(bytes, level: level)
        #expect(spent == isSpent, "\(bytes) at level \(level)")
      }
      #expect(budget.bytesLeft == 0)
    }
  }

  @Test func `short messages share one frame whatever the windows`() {
    #expect(FrameEncoding(windowBits: 15).deflateBits(forMessageOf: 200) == 9)
    #expect(FrameEncoding(windowBits: 15).deflateBits(forMessageOf: 250) == 9)
    #expect(FrameEncoding(windowBits: 15).deflateBits(forMessageOf: 251) == 10)
    #expect(FrameEncoding(windowBits: 15).deflateBits(forMessageOf: 1 << 30) == 15)
    #expect(FrameEncoding(windowBits: 10).deflateBits(forMessageOf: 100_000) == 10)
    #expect(FrameEncoding(windowBits: 8).deflateBits(forMessageOf: 256) == 9)
    #expect(FrameEncoding(windowBits: 8).deflateBits(forMessageOf: 257) == 0)
    var wanted = FrameEncodingSet()
    for bits in [9, 12, 15] { wanted.insert(FrameEncoding(windowBits: bits)) }
    for (count, isShared) in [(200, true), (5000, false)] {
      let message = [UInt8](repeating: 0x61, count: count)
      message.withUnsafeBytes { bytes in
        let encoded = EncodedMessage(.text, bytes, for: wanted, DeflaterPool(), DeflateSettings())
        let frames = [9, 12, 15].map { encoded.frame(for: FrameEncoding(windowBits: $0)) }
        #expect(frames.allSatisfy { $0 != nil })
        #expect((frames[0] === frames[2]) == isShared)
        #expect(encoded.frame(for: FrameEncoding(windowBits: 10)) == nil)
        encoded.withPayload { #expect($0.elementsEqual(bytes)) }
        encoded.plain.withBytes { frame in
          let (kind, payload) = FrameEncoder.message(of: frame)
          #expect(kind == .text && payload.elementsEqual(bytes))
        }
      }
    }
  }
}
