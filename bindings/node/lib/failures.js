'use strict';
// Prints failures of handlers if the host has no hook for them. A client can cause as many as it likes, so only some of
// each handler's are printed in a second, and then how many there were.

const PRINTED_MAX = 10;
const PERIOD_MS = 1000;

class FailureLimiter {
  /** For each handler that has failed: when its period began, and how many failures have come since. */
  #counts = new Map();

  /** Whether to print a failure at `now`: { isPrinted, missed }. `missed` is how many were not printed in the period
   * before. The table has at most one entry for each handler of the host's classes. */
  note(handler, now) {
    const count = this.#counts.get(handler);
    if (count !== undefined && now - count.since < PERIOD_MS) {
      count.failures++;
      return { isPrinted: count.failures <= PRINTED_MAX, missed: 0 };
    }
    this.#counts.set(handler, { since: now, failures: 1 });
    return { isPrinted: true, missed: Math.max(0, (count?.failures ?? 0) - PRINTED_MAX) };
  }
}

/** A hook that prints failures with console.error. */
function printer() {
  const limiter = new FailureLimiter();
  return (error, { handler }) => {
    const { isPrinted, missed } = limiter.note(handler, performance.now());
    if (missed > 0) console.error(`dog: ${handler} failed ${missed} times more`);
    if (isPrinted) console.error(`dog: ${handler} failed:`, error);
  };
}

module.exports = { FailureLimiter, printer };
