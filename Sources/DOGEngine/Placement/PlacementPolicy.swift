/// On which of the Shards with room a new client is placed. The oldest of equals, with either.
public enum PlacementPolicy: Int32, Sendable {
  /// The emptiest: clients are spread.
  case leastUtilised = 1
  /// The one with the least room that still has some: clients are brought together, and Shards fall empty.
  case fullest = 2
}
