import Testing

@testable import DOGEngine

@Suite struct StatusTests {
  @Test func `an unknown status has a name and a text`() {
    #expect(Status(rawValue: 12345).name == "DOG_EUNKNOWN")
    #expect(Status.stale.name == "DOG_ESTALE")
  }
}
