import Testing

@testable import DOGEngine

@Suite struct LineTests {
  private final class Person: LineElement {
    let number: Int
    var lineIndex = -1

    init(_ number: Int) { self.number = number }
  }

  @Test func `whoever came first goes first, whoever left in between`() {
    var random = TestRandom(for: "LineTests")
    var line = Line<Person>()
    var reference: [Person] = []
    for number in 0..<20_000 {
      switch random.below(5) {
      case 0, 1:
        let person = Person(number)
        line.append(person)
        reference.append(person)
      case 2:
        let first = line.popFirst()
        #expect(first === reference.first)
        if !reference.isEmpty { reference.removeFirst() }
        #expect(first.map { $0.lineIndex == -1 } ?? true)
      case 3:
        guard !reference.isEmpty else { continue }
        line.remove(reference.remove(at: random.below(reference.count)))
      default:
        // One that goes to the end of the line.
        guard let first = line.popFirst() else { continue }
        line.append(first)
        reference.append(reference.removeFirst())
      }
      #expect(line.count == reference.count && line.isEmpty == reference.isEmpty)
    }
    var all: Set<Int> = []
    line.forEach { all.insert($0.number) }
    #expect(all == Set(reference.map(\.number)))
    for person in reference { #expect(line.popFirst() === person) }
    #expect(line.popFirst() == nil)
  }
}
