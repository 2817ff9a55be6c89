/// Why a request cannot be read: the status of the answer, and the reason in a few words for its body.
struct RequestFault: Error {
  let status: Int
  let text: StaticString

  init(_ status: Int, _ text: StaticString) {
    self.status = status
    self.text = text
  }
}
