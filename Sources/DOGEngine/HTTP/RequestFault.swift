/// Why a request cannot be read: the status that answers it, and the reason in a few words for that answer's body.
struct RequestFault: Error {
  let status: Int
  let text: StaticString

  init(_ status: Int, _ text: StaticString) {
    self.status = status
    self.text = text
  }
}
