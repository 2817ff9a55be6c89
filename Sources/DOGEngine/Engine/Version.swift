import CDOG

extension Engine {
  /// "0.1.0", as dog.h has it.
  public static var version: String { "\(DOG_VERSION_MAJOR).\(DOG_VERSION_MINOR).\(DOG_VERSION_PATCH)" }
}
