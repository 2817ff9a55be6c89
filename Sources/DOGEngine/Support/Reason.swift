import CDOG
import Glibc

/// Why the last call on this thread that sets an engine up failed, in words: what `dog_last_reason` gives.
///
/// Kept for each thread and not in the status: every path throws a `Status`, and few need words.
enum Reason {
  static func clear() { cdog_set_reason(nil, 0) }

  static var isEmpty: Bool { cdog_reason().pointee.length == 0 }

  /// Kept as one line, because it may be shown to a person or written to a log.
  static func note(_ text: String) {
    LogText.line(text).withBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { cdog_set_reason($0.baseAddress, $0.count) }
    }
  }

  /// The sentence of a status, as it is: a child made by fork() must not wait for what another thread of its parent's
  /// had locked, and Swift's runtime has locks.
  static func note(_ status: Status) {
    guard let text = cdog_status_text(status.rawValue) else { return note(status.description) }
    cdog_set_reason(text, strlen(text))
  }

  /// Good until the next call on this thread that notes or clears one.
  static var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: cdog_reason_text(), count: cdog_reason().pointee.length)
  }
}

extension Status {
  /// This status, with the reason why for the caller to read.
  func because(_ reason: String) -> Status {
    Reason.note(reason)
    return self
  }
}
