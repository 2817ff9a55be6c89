@testable import DOGEngine

/// The payload of a close frame, and the closing handshake under any order of events. Of an input, its bytes are the
/// payload, and each of them is also an event.
enum CloseFuzzer: Fuzzer {
  static let name = "close"

  static var seeds: [[UInt8]] {
    let codes: [UInt16] = [
      0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 2999, 3000, 4999, 5000,
    ]
    let reasons = ["", "bye", "tsch\u{fc}\u{df}", "\u{1F415}"]
    return [[], [3]] + codes.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } + reasons.map { [0x03, 0xE8] + Array($0.utf8) }
      + [[0x03, 0xE8, 0xC3], [0x03, 0xE8, 0xED, 0xA0, 0x80], [0, 3, 1], [1, 3, 4], [2, 0, 3, 6], [4], [5, 5, 5]]
  }

  private static let limits = SendProgress.Limits(timeoutMs: 20, totalMs: 100)

  private static func wait(nowMs: UInt64) -> CloseWait {
    CloseWait(SendProgress(nowMs: nowMs, delivered: 0, end: 2), nowMs: nowMs, limits)
  }

  static func run(_ input: [UInt8]) {
    if input.count <= FrameHeader.controlPayloadMax { checkPayload(input) }
    checkMachine(input)
  }

  private static func checkPayload(_ payload: [UInt8]) {
    let frame = ClientFrame.bytes(first: 0x88, payload)
    let whole = FrameReader.read(frame)
    expect(whole == ReferenceDecoder.decode(frame, messageBytesMax: 0), "\(whole)")
    for cuts in Cuts.of(frame) { expect(FrameReader.read(frame, cuts: cuts) == whole, "cut at \(cuts)") }
    guard case .close(let code, let reason) = whole.first else { return }
    // The answer repeats the code: it must be a frame that we would take ourselves.
    var machine = CloseStateMachine()
    let action = machine.peerCloses(code: code.map(CloseCode.init), reason: reason, wait: wait(nowMs: 0))
    guard case .sendClose(let answered, let echoed) = action else {
      expect(false, "a close frame brings about \(action)")
      return
    }
    expect(answered?.rawValue == code && echoed == reason, "another code or reason: \(action)")
    let count = FrameEncoder.closeSize(code: answered?.rawValue ?? 0, reasonCount: echoed.count)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { room.deallocate() }
    guard let base = room.baseAddress else { return }
    echoed.withUnsafeBytes { FrameEncoder.writeClose(code: answered?.rawValue ?? 0, reason: $0, to: base) }
    expect(room.elementsEqual([0x88, UInt8(payload.count)] + payload), "the frame does not repeat the payload")
  }

  /// One report, and it is the last action; one close frame of ours, before any other action.
  private static func checkMachine(_ events: [UInt8]) {
    var machine = CloseStateMachine()
    var nowMs: UInt64 = 0
    var (reports, closes) = (0, 0)
    for event in events.prefix(64) + [7] {
      nowMs += UInt64(event >> 4)
      let wait = wait(nowMs: nowMs)
      let (wasOpen, wasClosed) = (machine.isOpen, machine.isClosed)
      let action: CloseStateMachine.Action =
        switch event & 7 {
        case 0: machine.hostCloses(code: .goingAway, reason: [event], wait: wait)
        case 1: machine.peerCloses(code: .normal, reason: [event], wait: wait)
        case 2: machine.peerCloses(code: nil, wait: wait)
        case 3: machine.flushed()
        case 4: machine.fails(code: .protocolError, wait: wait)
        case 5: machine.timePassed(nowMs: nowMs, delivered: Int(event >> 6), end: 2, limits)
        case 6: event & 8 == 0 ? machine.connectionLost() : machine.peerEnds(isFlushed: false, wait: wait)
        default: machine.gaveUp()
        }
      machine.checkInvariants()
      switch action {
      case .none: break
      case .sendClose:
        expect(wasOpen, "a close frame after the beginning of the end")
        closes += 1
      case .linger:
        expect(closes == 1 && machine.isClosed && !wasClosed, "lingers before our close frame, or is not over by it")
        reports += 1
      case .report, .reset:
        expect(machine.isClosed && !wasClosed, "a report, and not closed by it")
        reports += 1
      }
      expect(closes <= 1 && reports <= 1, "done twice")
      expect(!machine.readsFrames || !machine.isClosed, "closed, and reads frames")
    }
    expect(reports == 1 && machine.isClosed, "\(reports) reports")
  }
}
