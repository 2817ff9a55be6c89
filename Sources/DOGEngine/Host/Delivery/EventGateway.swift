/// A Gateway whose host takes events.
final class EventGateway: Gateway {
  private let user: HostPointer
  private let gateway: Handle
  private let name: [UInt8]

  /// Made on its worker.
  init(_ user: HostPointer, _ gateway: GatewayHandle) {
    self.user = user
    self.gateway = gateway.handle
    name = gateway.name?.bytes ?? []
  }

  func identify(_ request: RequestHandle) { ask(.identify, request) }

  func clusterize(_ request: RequestHandle) { ask(.clusterize, request) }

  func onretire() {
    var record = EventRecord(.retire)
    record.user = user.pointer
    record.gateway = gateway
    Worker.current?.tell(record, name)
  }

  private func ask(_ kind: EventRecord.Kind, _ request: RequestHandle) {
    var record = EventRecord(kind)
    record.user = user.pointer
    record.gateway = gateway
    Worker.current?.tellQuestion(record, request, name)
  }
}
