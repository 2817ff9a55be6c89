import Testing

@testable import DOGEngine

@Suite struct DenseListTests {
  private final class Element: DenseListElement {
    /// How often the list has put it somewhere.
    var moves = 0
    var listIndex = -1 { didSet { moves += 1 } }
  }

  @Test(arguments: [100, 1000, 10_000])
  func `all of many leave, oldest first, and each leaving moves one other at most`(_ count: Int) {
    var list = DenseList<Element>()
    let elements = (0..<count).map { _ in Element() }
    for element in elements { list.append(element) }
    for element in elements { list.remove(element) }
    #expect(list.count == 0)
    #expect(elements.allSatisfy { $0.listIndex == -1 })
    #expect(elements.reduce(0) { $0 + $1.moves } <= 3 * count)
  }

  @Test func `what is inside is what was added and has not left, over random steps`() {
    var random = TestRandom(for: "DenseList")
    var list = DenseList<Element>()
    var inside: [Element] = []
    var outside: [Element] = []
    for _ in 0..<20_000 {
      if random.once(in: 2), inside.count < 50 {
        let element = outside.popLast() ?? Element()
        list.append(element)
        inside.append(element)
      } else if !inside.isEmpty {
        let element = inside.remove(at: random.below(inside.count))
        list.remove(element)
        outside.append(element)
      }
      #expect(list.count == inside.count)
      #expect(Set(list.elements.map(ObjectIdentifier.init)) == Set(inside.map(ObjectIdentifier.init)))
      for (index, element) in list.elements.enumerated() { #expect(element.listIndex == index) }
    }
  }
}
