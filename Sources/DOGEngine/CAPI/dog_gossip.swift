import CDOG

@c @implementation
public func dog_gossip_reply(_ gossip: dog_gossip_t, _ data: UnsafeRawPointer?, _ length: Int) -> dog_status_t {
  answer(gossip) { try $0.reply(bytes(data, length)) }
}

@c @implementation
public func dog_gossip_fail(_ gossip: dog_gossip_t, _ text: UnsafePointer<CChar>?, _ length: Int) -> dog_status_t {
  answer(gossip) { try $0.fail(bytes(text, length)) }
}

/// Answers. An answer that cannot be used ends the question too, and the sibling gets an error.
private func answer(_ gossip: dog_gossip_t, _ give: (GossipHandle) throws -> Status) -> dog_status_t {
  let handle = GossipHandle(rawValue: gossip)
  return outcome {
    do { return try give(handle) } catch { return handle.refuse(error as? Status ?? .invalid) }
  }
}
