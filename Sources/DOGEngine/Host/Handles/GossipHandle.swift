extension GossipHandle {
  @discardableResult
  public func reply(_ data: UnsafeRawBufferPointer) -> Status { answer(.ok, data) }

  @discardableResult
  public func reply(_ text: String) -> Status { text.withBytes { reply($0) } }

  /// The asker gets this text with the status DOG_EHOST.
  @discardableResult
  public func fail(_ text: UnsafeRawBufferPointer) -> Status { answer(.host, text) }

  /// For an answer that cannot be used: it ends the question as an answer does, and the asker gets DOG_EHOST.
  func refuse(_ status: Status) -> Status {
    let answered = answer(.host, UnsafeRawBufferPointer(start: nil, count: 0))
    return answered.isOK ? status : answered
  }

  private func answer(_ status: Status, _ data: UnsafeRawBufferPointer) -> Status {
    guard handle.kind == .gossip else { return EngineTable.isForked ? .forked : handle.misfit }
    do throws(Status) {
      let claim = try handle.claim { $0.tables.gossips }
      let fits = data.count <= claim.worker.options.gossipBytesMax
      let copy = fits ? [UInt8](data) : []
      let answered = claim.act(bytes: copy.count) { _, ticket in
        ticket.end(fits ? status : .host, copy)
        return .ok
      }
      return answered.isOK && !fits ? .tooBig : answered
    } catch {
      return error
    }
  }
}
