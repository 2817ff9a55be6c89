/// How many processors the cgroup of a process lets it use: a container's limit is a share of time, which the set of
/// processors does not show. Only the parsing is here; `CPUQuota+Reading.swift` reads the files.
///
/// The quotas of the cgroups above it hold too, as far as the process can see them.
struct CPUQuota: Equatable {
  /// A folder of cgroups, the outermost first, with the files of one version.
  struct Folder: Equatable {
    let path: String
    let isV2: Bool
  }

  /// More levels than anybody has; what lies deeper is not looked at.
  private static let levelsMax = 64

  /// Where the quotas of a process stand, by its /proc/self/cgroup and /proc/self/mountinfo.
  static func folders(cgroup: String, mounts: String) -> [Folder] {
    var folders: [Folder] = []
    for line in cgroup.split(separator: "\n") {
      // hierarchy:controllers:path
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2].hasPrefix("/") else { continue }
      let isV2 = fields[0] == "0" && fields[1].isEmpty
      guard isV2 || fields[1].split(separator: ",").contains("cpu"),
        let mount = mount(of: isV2 ? "cgroup2" : "cgroup", in: mounts)
      else { continue }
      var path = mount.point == "/" ? "" : mount.point
      folders.append(Folder(path: mount.point, isV2: isV2))
      for name in below(mount.root, String(fields[2])).prefix(levelsMax) {
        path += "/" + name
        folders.append(Folder(path: path, isV2: isV2))
      }
    }
    return folders
  }

  /// The names on the way from a mount's root to the path; none if the path is not below the root, as in a namespace
  /// that shows another root than the mount's.
  private static func below(_ root: String, _ path: String) -> [Substring] {
    let names = path.split(separator: "/")
    let outer = root.split(separator: "/")
    guard names.starts(with: outer), !names.contains("..") else { return [] }
    return Array(names.dropFirst(outer.count))
  }

  /// Where cgroups are mounted; for version 1 those of the controller "cpu".
  private static func mount(of type: String, in mounts: String) -> (root: String, point: String)? {
    for line in mounts.split(separator: "\n") {
      // id parent device root point options [tags ...] - type source options
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3, fields[dash + 1] == type,
        type == "cgroup2" || fields[dash + 3].split(separator: ",").contains("cpu")
      else { continue }
      return (unescaped(fields[3]), unescaped(fields[4]))
    }
    return nil
  }

  /// The kernel writes a space, a tab, a newline and a backslash as a backslash and three octal digits.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      let isEscape = byte == UInt8(ascii: "\\") && digits.count == 3 && digits.allSatisfy { (0x30...0x37).contains($0) }
      guard isEscape else {
        bytes.append(byte)
        continue
      }
      bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1) - 0x30 }))
      rest = rest.dropFirst(3)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// From the text of cpu.max: "150000 100000" is 2 processors; nil if it sets no limit.
  static func processors(v2 text: String) -> Int? {
    let fields = text.split { $0 == " " || $0 == "\n" }
    guard fields.count == 2 else { return nil }
    return processors(quota: fields[0], period: fields[1])
  }

  /// The same of cpu.cfs_quota_us, which is -1 for no limit, and cpu.cfs_period_us.
  static func processors(v1 quota: String, period: String) -> Int? {
    func first(_ text: String) -> Substring { text.prefix { $0 != "\n" } }
    return processors(quota: first(quota), period: first(period))
  }

  /// Rounded up: half a processor's worth of time is best used by one thread.
  private static func processors(quota: Substring, period: Substring) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }
}
