@testable import DOGEngine

/// A query: every parameter is found under its decoded name with its decoded value, the first of several, and decoding
/// happens once.
enum QueryFuzzer: Fuzzer {
  static let name = "query"

  static var seeds: [[UInt8]] {
    [
      "a=b", "a=b&a=c&b", "u=ann+lee&room=%C3%A9", "%61=1&a=2", "a%3Db=c%26d", "&&=&=x&a==b", "a=%&b=%4&c=%zz",
      "%2525=%2525",
    ]
    .map { Array($0.utf8) }
  }

  static func run(_ input: [UInt8]) {
    expect(PercentCoding.decode(input) == Plain.percentDecoded(input, isQuery: false), "a path's decoding")
    expect(PercentCoding.decodeQuery(input) == Plain.percentDecoded(input, isQuery: true), "a query's decoding")
    expect(PercentCoding.decode(Plain.percentEncoded(input)) == input, "encoded, then decoded")
    expect(PercentCoding.decodeQuery(Plain.percentEncoded(input)) == input, "encoded, then decoded as a query")

    var first: [[UInt8]: [UInt8]] = [:]
    for part in input.split(separator: 0x26) {
      let name = part.prefix { $0 != 0x3D }
      guard let decoded = Plain.percentDecoded(Array(name), isQuery: true), first[decoded] == nil else { continue }
      first[decoded] = Plain.percentDecoded(Array(part.dropFirst(name.count + 1)), isQuery: true)
    }
    Cuts.forEachPiece(input, at: []) { query in
      let query = UnsafeRawBufferPointer(query)
      for (name, value) in first.prefix(16) {
        expect(PercentCoding.value(of: name, inQuery: query) == value, "the value of \(name)")
      }
      let absent = Array("absent".utf8) + input
      expect(first[absent] != nil || PercentCoding.value(of: absent, inQuery: query) == nil, "a name that is not there")
    }
  }
}
