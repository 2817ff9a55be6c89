/// A sibling's question that waits for one reply. Replies may be given from any thread; see dog_gossip_*.
public struct GossipHandle: Hashable, Sendable {
  let handle: Handle

  init(_ handle: Handle) { self.handle = handle }

  public init(rawValue: UInt64) { handle = Handle(rawValue: rawValue) }
  public var rawValue: UInt64 { handle.rawValue }

  @discardableResult
  public func reply(_ data: UnsafeRawBufferPointer) -> Status { answer(.ok, data) }

  @discardableResult
  public func reply(_ text: String) -> Status {
    var text = text
    return text.withUTF8 { reply(UnsafeRawBufferPointer($0)) }
  }

  /// The asker gets this text with the status DOG_EHOST.
  @discardableResult
  public func fail(_ text: UnsafeRawBufferPointer) -> Status { answer(.host, text) }

  /// Where what was to be the answer is none: it takes the handle as an answer does, and the asker gets DOG_EHOST.
  func refuse(_ status: Status) -> Status {
    let answered = answer(.host, UnsafeRawBufferPointer(start: nil, count: 0))
    return answered.isOK ? status : answered
  }

  private func answer(_ status: Status, _ data: UnsafeRawBufferPointer) -> Status {
    switch handle.reach(as: .gossip, in: { $0.gossips }) {
    case .here(let ticket, let worker):
      guard worker.gossips.claim(handle) else { return .stale }
      let fits = data.count <= worker.engine.options.gossipBytesMax
      ticket.end(fits ? status : .host, fits ? [UInt8](data) : [])
      return fits ? .ok : .tooBig
    case .elsewhere(let worker, let engine):
      guard worker.gossips.claim(handle) else { return .stale }
      let fits = data.count <= engine.options.gossipBytesMax
      let copy = fits ? [UInt8](data) : []
      let isSent = worker.post { [handle] worker in
        worker.gossips.claimed(handle)?.end(fits ? status : .host, copy)
      }
      guard isSent else { return .stale }
      return fits ? .ok : .tooBig
    case .failed(let status): return status
    }
  }
}
