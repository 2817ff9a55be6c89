/// An object that knows its index in a `DenseList`.
protocol DenseListElement: AnyObject {
  /// Written by the list alone; -1 while the object is in none.
  var listIndex: Int { get set }
}

/// Objects in one array, in no particular order. Each can leave in O(1): the last one takes its index.
struct DenseList<Element: DenseListElement> {
  private(set) var elements: ContiguousArray<Element> = []

  var count: Int { elements.count }

  mutating func append(_ element: Element) {
    precondition(element.listIndex < 0, "an element is in one list, once")
    element.listIndex = elements.count
    elements.append(element)
  }

  mutating func remove(_ element: Element) {
    let index = element.listIndex
    precondition(elements.indices.contains(index) && elements[index] === element, "an element leaves its own list")
    let last = elements.removeLast()
    if last !== element {
      elements[index] = last
      last.listIndex = index
    }
    element.listIndex = -1
  }
}
