/// An object that knows its place in a `Line`.
protocol LineElement: AnyObject {
  /// Written by the line alone; -1 while the object stands in none.
  var lineIndex: Int { get set }
}

/// Objects in the order in which they came. Each can leave from anywhere. Every verb but `forEach` is O(1).
struct Line<Element: LineElement> {
  /// Only the order is used, not the ages.
  private var elements = AgingTable<Element>()

  var count: Int { elements.count }
  var isEmpty: Bool { elements.count == 0 }

  func forEach(_ body: (Element) -> Void) { elements.forEach(body) }

  mutating func append(_ element: Element) {
    precondition(element.lineIndex < 0, "an element stands in one line, once")
    element.lineIndex = elements.insert(element)
    elements.age(element.lineIndex, now: 0)
  }

  mutating func remove(_ element: Element) {
    precondition(
      elements.isUsed(element.lineIndex) && elements[element.lineIndex] === element, "an element leaves its own line")
    elements.remove(element.lineIndex)
    element.lineIndex = -1
  }

  mutating func popFirst() -> Element? {
    guard let first = elements.oldest else { return nil }
    let element = elements[first]
    remove(element)
    return element
  }
}
