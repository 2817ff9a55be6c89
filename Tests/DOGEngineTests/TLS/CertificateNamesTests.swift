import Testing

@testable import DOGEngine

@Suite struct CertificateNamesTests {
  private static let names: CertificateNames = {
    var names = CertificateNames()
    for (index, name) in ["a.test", "*.b.test", "B.test", "c.b.test", "*.", "*.b.test"].enumerated() {
      names.add(name, certificate: index)
    }
    return names
  }()

  @Test(
    arguments: [
      ("a.test", 0), ("A.TEST", 0), ("x.b.test", 1), ("X.B.Test", 1), ("b.test", 2), ("c.b.test", 3),
      ("x.c.b.test", nil),
      ("x.a.test", nil), (".b.test", nil), ("*.b.test", 1), ("b.test.", nil), ("", nil), (".", nil), ("test", nil),
      ("*.", nil),
    ] as [(String, Int?)])
  func `the name itself is found first, then a wildcard of one label`(host: String, certificate: Int?) {
    #expect(CertificateNamesTests.names.certificate(for: host) == certificate)
  }
}
