import CDOG

/// One option: where it is in `Options`, where in dog_options_t, and what it may be. Checking, the name in an error and
/// the copying between the two are made of it.
///
/// Key paths are slow beside plain members. They are used while an engine is made, and never after that.
struct OptionRow: Sendable {
  /// As in dog.h.
  let name: String
  /// What is wrong with it; nil if it is within its range.
  let fault: @Sendable (Options) -> String?
  /// Takes it from a host in C. Gives what is wrong where `Options` cannot hold it.
  let read: @Sendable (dog_options_t, inout Options) -> String?
  let write: @Sendable (Options, inout dog_options_t) -> Void

  static func number<Member: FixedWidthInteger & Sendable, Value: FixedWidthInteger & Sendable>(
    _ name: String, _ member: WritableKeyPath<dog_options_t, Member> & Sendable,
    _ value: WritableKeyPath<Options, Value> & Sendable, _ range: ClosedRange<Value>
  ) -> OptionRow {
    OptionRow(
      name: name,
      fault: { options in
        let number = options[keyPath: value]
        return range.contains(number) ? nil : "\(number) is not \(range.lowerBound) to \(range.upperBound)"
      },
      read: { host, options in
        options[keyPath: value] = Value(clamping: host[keyPath: member])
        return nil
      },
      write: { options, host in host[keyPath: member] = Member(clamping: options[keyPath: value]) })
  }

  /// An enum of both, with the numbers of dog.h.
  static func choice<Member: RawRepresentable<UInt32> & Sendable, Value: RawRepresentable<Int32> & Sendable>(
    _ name: String, _ member: WritableKeyPath<dog_options_t, Member> & Sendable,
    _ value: WritableKeyPath<Options, Value> & Sendable
  ) -> OptionRow {
    OptionRow(
      name: name,
      fault: { _ in nil },
      read: { host, options in
        let number = host[keyPath: member].rawValue
        guard let choice = Value(rawValue: Int32(truncatingIfNeeded: number)) else { return "\(number)" }
        options[keyPath: value] = choice
        return nil
      },
      write: { options, host in
        guard let choice = Member(rawValue: UInt32(clamping: options[keyPath: value].rawValue)) else { return }
        host[keyPath: member] = choice
      })
  }
}
