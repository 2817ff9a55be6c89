import Testing

@testable import DOGEngine

@Suite struct CPUQuotaTests {
  private static let v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let v1 =
    "31 25 0:27 /docker/ab /sys/fs/cgroup/memory ro master:11 - cgroup cgroup rw,memory\n"
    + "32 25 0:28 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro master:12 - cgroup cgroup rw,cpu,cpuacct\n"

  @Test(arguments: [
    ("max 100000\n", nil), ("100000 100000\n", 1), ("150000 100000", 2), ("50000 100000\n", 1), ("1 100000\n", 1),
    ("200000 100000\n", 2), ("200001 100000\n", 3), ("6400000 100000\n", 64), ("", nil), ("100000\n", nil),
    ("100000 0\n", nil), ("0 100000\n", nil), ("-1 100000\n", nil), ("x y\n", nil), ("1 2 3\n", nil),
    ("9223372036854775807 1\n", Int.max), ("9223372036854775808 1\n", nil), ("1 9223372036854775807", 1),
  ]) func `cpu.max is rounded up, and sets no limit where it says none`(text: String, processors: Int?) {
    #expect(CPUQuota.processors(v2: text) == processors)
  }

  @Test(arguments: [
    ("-1\n", "100000\n", nil), ("250000\n", "100000\n", 3), ("100000", "100000", 1), ("", "100000", nil),
    ("100000", "", nil), ("100000\n", "0\n", nil),
  ]) func `so do the two files of version 1`(quota: String, period: String, processors: Int?) {
    #expect(CPUQuota.processors(v1: quota, period: period) == processors)
  }

  @Test func `every cgroup from the mount's root down may hold a quota`() {
    #expect(
      CPUQuota.folders(cgroup: "0::/system.slice/dog.service\n", mounts: CPUQuotaTests.v2).map(\.path) == [
        "/sys/fs/cgroup", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/system.slice/dog.service",
      ])
    #expect(CPUQuota.folders(cgroup: "0::/\n", mounts: CPUQuotaTests.v2).map(\.path) == ["/sys/fs/cgroup"])
  }

  @Test func `version 1 is looked for where the controller is, below the root of its mount`() {
    let cgroup = "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab/inner\n0::/docker/ab\n"
    #expect(
      CPUQuota.folders(cgroup: cgroup, mounts: CPUQuotaTests.v1) == [
        CPUQuota.Folder(path: "/sys/fs/cgroup/cpu,cpuacct", isV2: false),
        CPUQuota.Folder(path: "/sys/fs/cgroup/cpu,cpuacct/inner", isV2: false),
      ])
  }

  @Test func `both versions at once are looked at both`() {
    let folders = CPUQuota.folders(cgroup: "4:cpu:/docker/ab\n0::/a\n", mounts: CPUQuotaTests.v1 + CPUQuotaTests.v2)
    #expect(folders.map(\.path) == ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup", "/sys/fs/cgroup/a"])
  }

  @Test func `of a path that is not below what is mounted the mount alone is looked at`() {
    #expect(CPUQuota.folders(cgroup: "4:cpu:/other\n", mounts: CPUQuotaTests.v1).count == 1)
    #expect(CPUQuota.folders(cgroup: "0::/../other\n", mounts: CPUQuotaTests.v2).count == 1)
  }

  @Test func `a name with a space is as the kernel writes it`() {
    let mounts = "30 23 0:26 / /c\\040g\\134x rw - cgroup2 none rw\n"
    #expect(CPUQuota.folders(cgroup: "0::/a b\n", mounts: mounts).map(\.path) == ["/c g\\x", "/c g\\x/a b"])
  }

  @Test func `what is malformed has no folders and ends nothing`() {
    var random = TestRandom(for: "CPUQuota")
    let alphabet = Array("0:/, -\n\\17acpugroup2".utf8)
    for _ in 0..<5_000 {
      func text() -> String {
        String(decoding: (0..<random.below(60)).map { _ in alphabet[random.below(alphabet.count)] }, as: UTF8.self)
      }
      for folder in CPUQuota.folders(cgroup: text(), mounts: text()) { #expect(!folder.path.isEmpty) }
      _ = CPUQuota.processors(v2: text())
      _ = CPUQuota.processors(v1: text(), period: text())
    }
    #expect(CPUQuota.folders(cgroup: "", mounts: "").isEmpty)
    #expect(CPUQuota.folders(cgroup: "0::/a\n", mounts: "").isEmpty)
  }
}
