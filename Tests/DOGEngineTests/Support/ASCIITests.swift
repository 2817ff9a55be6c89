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
