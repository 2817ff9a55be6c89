extension CPUQuota {
  /// The processors that this process may use by its cgroups' quotas; nil if there is none.
  static func read() -> Int? {
    guard let cgroup = SystemFile.text("/proc/self/cgroup"), let mounts = SystemFile.text("/proc/self/mountinfo") else {
      return nil
    }
    return folders(cgroup: cgroup, mounts: mounts).compactMap { folder in
      if folder.isV2 { return SystemFile.text(folder.path + "/cpu.max").flatMap { processors(v2: $0) } }
      guard let quota = SystemFile.text(folder.path + "/cpu.cfs_quota_us"),
        let period = SystemFile.text(folder.path + "/cpu.cfs_period_us")
      else { return nil }
      return processors(v1: quota, period: period)
    }.min()
  }
}
