import Testing

@testable import DOGEngine

@Suite struct HTTPDateTests {
  private func text(_ seconds: UInt64) -> String {
    var date = HTTPDate()
    return HTTPDateTests.text(&date, seconds)
  }

  private static func text(_ date: inout HTTPDate, _ seconds: UInt64) -> String {
    date.set(unixSeconds: seconds)
    return String(decoding: date.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    (UInt64(0), "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func `a second has its date`(_ seconds: UInt64, _ expected: String) {
    #expect(text(seconds) == expected)
  }

  /// The calendar as it is told: months and leap years counted up day by day.
  @Test func `each day of five centuries follows the one before`() {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    var (year, month, day) = (1970, 0, 1)
    var date = HTTPDate()
    for days in 0..<182_622 {
      let expected = "\(weekdays[days % 7]), \(day < 10 ? "0" : "")\(day) \(months[month]) \(year) 12:34:56 GMT"
      let given = HTTPDateTests.text(&date, UInt64(days) * 86_400 + 45_296)
      guard given == expected else {
        Issue.record("\(given), not \(expected)")
        return
      }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      if day > lengths[month] { (month, day) = (month + 1, 1) }
      if month == 12 { (year, month) = (year + 1, 0) }
    }
    #expect(year == 2470)
  }

  @Test func `the date changes with the second and not before`() {
    var date = HTTPDate()
    let texts = [100, 100, 101, 100].map { HTTPDateTests.text(&date, $0) }
    #expect(texts[1] == texts[0])
    #expect(texts[2] != texts[0])
    #expect(texts[3] == texts[0])
  }
}
