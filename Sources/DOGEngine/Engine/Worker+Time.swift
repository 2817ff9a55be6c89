// A worker's time: the reminders of its objects, and the deadline of a stop.
extension Worker {
  /// Tells the object of this handle when `time` comes: not before, and at most a tick after, unless very many are due.
  /// It cannot be taken back: the object looks whether it still matters.
  func remind(_ handle: Handle, at time: UInt64) { _ = makeReminder(handle, at: time) }

  /// The same, but it can be taken back: returns the reminder for `forgetReminder`.
  func makeReminder(_ handle: Handle, at time: UInt64) -> Int {
    defer { setTimer() }
    return reminders.insert(handle, at: time, now: now)
  }

  /// Takes a reminder back, if it has not come.
  func forgetReminder(_ reminder: Int, of handle: Handle) { reminders.remove(reminder, of: handle) }

  /// The end of a stop's grace is kept apart from the wheel, because it belongs to no object.
  func setStopDeadline() {
    stopDeadline = engine.stopping.hasDeadline ? engine.stopping.deadline : nil
    setTimer()
  }

  func setTimer() {
    let reminder = reminders.nextDue(after: now)
    guard let next = [reminder, stopDeadline, nextLook].compactMap(\.self).min() else { return }
    if let timerAt, timerAt <= next { return }
    timerAt = next
    loop.setTimer(at: next)
  }

  func timePassed() {
    timerAt = nil
    let now = self.now
    reminders.advance(to: now)
    // Once a turn: if an earlier turn has left some, a letter to give them is on its way.
    if !isRemindingLater { remindDue(now) }
    if let stopDeadline, stopDeadline <= now { stopDeadlineCame(now) }
    lookAtLoad(now)
    setTimer()
  }

  /// Tells the object of this handle once more, after all that are due already, because it has not done all its work.
  func remindAgain(_ handle: Handle) { reminders.again(handle) }

  /// Gives as many reminders as fit in one turn.
  private func remindDue(_ now: UInt64) {
    var effort = 0
    while let handle = reminders.popDue() {
      effort += 1 + tables.remind(handle, now, on: self) * (Worker.remindersAtOnceMax / Worker.atOnceMax)
      guard effort < Worker.remindersAtOnceMax else { return remindLater() }
    }
  }

  private func remindLater() {
    guard !isRemindingLater else { return }
    isRemindingLater = true
    post { worker in
      worker.isRemindingLater = false
      worker.remindDue(worker.now)
    }
  }
}
