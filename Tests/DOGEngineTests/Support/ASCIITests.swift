import Testing

@testable import DOGEngine

@Suite struct ASCIITests {
  private static let digits = "0123456789"
  private static let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  private static let small = "abcdefghijklmnopqrstuvwxyz"

  private func isWhat(_ holds: (UInt8) -> Bool, _ members: String) -> Bool {
    (UInt8.min...UInt8.max).filter(holds) == members.utf8.sorted()
  }

  @Test func `each class has its bytes, and none beyond 127`() {
    #expect(isWhat(ASCII.isDigit, Self.digits))
    #expect(isWhat(ASCII.isLetter, Self.capitals + Self.small))
    #expect(isWhat(ASCII.isLetterOrDigit, Self.digits + Self.capitals + Self.small))
    #expect(isWhat(ASCII.isBlank, " \t"))
    #expect(isWhat(ASCII.isTokenByte, "!#$%&'*+-.^_`|~" + Self.digits + Self.capitals + Self.small))
  }

  @Test func `a control character and a byte beyond 127 are found anywhere in a text of any length`() {
    for count in 0...25 {
      for place in 0..<max(count, 1) {
        for byte in UInt8.min...UInt8.max {
          var text = [UInt8](repeating: UInt8(ascii: "a"), count: count)
          if count > 0 { text[place] = byte }
          let isControl = count > 0 && (byte < 0x20 || byte == 0x7f)
          let (makeup, first) = text.withUnsafeBytes { (ASCII.makeup(of: $0), ASCII.firstControl(in: $0, from: 0)) }
          guard makeup.hasControl == isControl, makeup.isASCII == (count == 0 || byte < 0x80),
            first == (isControl ? place : nil)
          else {
            Issue.record("\(byte) at \(place) of \(count): \(makeup), \(String(describing: first))")
            return
          }
        }
      }
    }
  }

  @Test func `the first of several control characters is found`() {
    for (one, other) in [(3, 5), (2, 9), (8, 15), (9, 17)] {
      for (first, second) in [(UInt8(0x7f), UInt8(1)), (1, 0x7f), (0, 0), (0x7f, 0x7f)] {
        var text = [UInt8](repeating: UInt8(ascii: " "), count: 20)
        (text[one], text[other]) = (first, second)
        #expect(text.withUnsafeBytes { ASCII.firstControl(in: $0, from: 0) } == one)
      }
    }
  }

  @Test func `capitals become small, and all else stays`() {
    for byte in UInt8.min...UInt8.max {
      let place = Self.capitals.utf8.firstIndex(of: byte)
      #expect(ASCII.lowercase(byte) == place.map { Self.small.utf8[$0] } ?? byte)
    }
  }

  @Test(arguments: [
    ("", ""), (" ", ""), (" \t ", ""), ("a", "a"), (" a\t", "a"), ("\t a b  ", "a b"), ("\u{a0}a\n", "\u{a0}a\n"),
  ])
  func `blanks at the ends are left out`(_ text: String, _ trimmed: String) {
    #expect(ASCII.trimmed(text.utf8).elementsEqual(trimmed.utf8))
    #expect(ASCII.trimmed([UInt8](text.utf8)).elementsEqual(trimmed.utf8))
  }
}
