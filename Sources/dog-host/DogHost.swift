import ArgumentParser
import DOGEngine

@main
struct DogHost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dog-host",
    abstract: "DOG, the Durable Object Gateway, as a program.",
    version: Engine.version,
    subcommands: [DemoCommand.self])
}
