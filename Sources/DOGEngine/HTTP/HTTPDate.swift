/// The value of Date, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7), made once a second.
struct HTTPDate: ~Copyable {
  /// The last second of the year 9999: the format has four digits for the year.
  private static let secondsMax: UInt64 = 253_402_300_799

  private var seconds: UInt64 = 0
  /// All dates are equally long.
  private let text: UnsafeMutableRawBufferPointer

  init() {
    let first = HTTPDate.format(0)
    text = .allocate(byteCount: first.count, alignment: 1)
    text.copyBytes(from: first)
  }

  deinit { text.deallocate() }

  /// The same memory as long as this lives.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(text) }

  /// `unixSeconds` is the time since 1970, UTC, leap seconds not counted.
  mutating func set(unixSeconds: UInt64) {
    guard unixSeconds != seconds else { return }
    seconds = unixSeconds
    text.copyBytes(from: HTTPDate.format(min(unixSeconds, HTTPDate.secondsMax)))
  }

  private static func format(_ seconds: UInt64) -> [UInt8] {
    let days = Int(seconds / 86_400)
    let secondOfDay = Int(seconds % 86_400)
    let (year, month, day) = civil(days)
    // 1 January 1970 was a Thursday.
    let weekday = name((days + 4) % 7, in: "SunMonTueWedThuFriSat")
    let date = "\(two(day)) \(name(month - 1, in: "JanFebMarAprMayJunJulAugSepOctNovDec")) \(year)"
    let time = "\(two(secondOfDay / 3600)):\(two(secondOfDay / 60 % 60)):\(two(secondOfDay % 60))"
    return [UInt8]("\(weekday), \(date) \(time) GMT".utf8)
  }

  /// Days since 1970 as a date. Years are counted from March, so that the leap day is the last of its year and the
  /// months before it have lengths that 153 days in five months describe; 719,468 days lead from 1 March of year 0 to
  /// 1970.
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func name(_ index: Int, in names: String) -> Substring { names.dropFirst(index * 3).prefix(3) }
}
