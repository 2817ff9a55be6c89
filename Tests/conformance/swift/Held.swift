import Synchronization

/// What waits until it is released, by key: of all workers, which hold and release at the same time.
enum Held {
  typealias Resume = @Sendable () -> Void

  private static let table = Mutex<[String: [Resume]]>([:])

  /// The caller then tells the cluster.
  static func hold(_ key: String, _ resume: @escaping Resume) {
    table.withLock { $0[key, default: []].append(resume) }
  }

  /// Lets all go on that is held under `key`, and says how many those were.
  static func release(_ key: String) -> Int {
    let released = table.withLock { $0.removeValue(forKey: key) } ?? []
    for resume in released { resume() }
    return released.count
  }
}
