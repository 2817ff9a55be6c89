/// A request whose head is whole and whose body is still to come.
final class PendingBody {
  private enum Framing {
    case length(bytesLeft: Int)
    case chunked(ChunkDecoder)
  }

  /// Nil once the request was finished.
  private var head: RequestHead?
  private var body = BodyBuffer()
  private var framing: Framing
  private let headBytes: Int
  /// The length that its head says; if it says none, the limit.
  let bodyBytesMax: Int

  init(head: consuming RequestHead, limits: RequestParser.Limits) {
    headBytes = head.byteCount
    switch head.content.framing {
    case .none:
      framing = .length(bytesLeft: 0)
      bodyBytesMax = 0
    case .length(let count):
      framing = .length(bytesLeft: count)
      bodyBytesMax = count
    case .chunked:
      framing = .chunked(ChunkDecoder(bodyBytesMax: limits.bodyBytesMax, extraBytesMax: limits.headerBytesMax))
      bodyBytesMax = limits.bodyBytesMax
    }
    self.head = consume head
  }

  var isHEAD: Bool {
    switch head {
    case .some(let head): head.isHEAD
    case .none: false
    }
  }

  /// What the head and the body so far take in memory.
  var bytesHeld: Int { headBytes + body.capacity }

  /// True when the body is whole.
  func read(_ input: inout UnsafeRawBufferPointer) throws(RequestFault) -> Bool {
    switch framing {
    case .length(let bytesLeft):
      let part = input.prefix(bytesLeft)
      body.append(UnsafeRawBufferPointer(rebasing: part), countMax: bodyBytesMax)
      framing = .length(bytesLeft: bytesLeft - part.count)
      input = UnsafeRawBufferPointer(rebasing: input[part.endIndex...])
      return part.count == bytesLeft
    case .chunked(var decoder):
      defer { framing = .chunked(decoder) }
      while true {
        switch decoder.next(&input) {
        case .needMore: return false
        case .data(let bytes): body.append(bytes, countMax: bodyBytesMax)
        case .end: return true
        case .invalid(let fault): throw fault
        }
      }
    }
  }

  /// The request. Once, after `read` has said that the body is whole.
  func finish(remote: KeptBytes, clientSubject: String?, forwarding: ForwardedFor?) -> HTTPRequest {
    guard let head = head.take() else { preconditionFailure("a request was finished twice") }
    return HTTPRequest(
      head: head, body: body.take(), remote: remote, clientSubject: clientSubject, forwarding: forwarding)
  }
}
