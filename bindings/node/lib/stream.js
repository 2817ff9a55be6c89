'use strict';
// A streamed response, written part by part.

const addon = require('./addon.js');
const { DogError, check } = require('./error.js');
const { bytesOf, text } = require('./message.js');

class BodyStream {
  #host;
  #low;
  #high;
  #isEnded = false;
  #isOver = false;
  #error;
  #controller;
  /** Called when the client has left, or the engine gave up on it. */
  onlost;
  /** Resolvers of the promises that wait for room, and of those that wait for the end. */
  #forRoom = [];
  #forEnd = [];

  /** `controller` gives the AbortController of the request, if somebody asked for its signal. */
  constructor(host, low, high, controller) {
    this.#host = host;
    this.#low = low;
    this.#high = high;
    this.#controller = controller;
  }

  /** True until it was ended or the client has left. */
  get isOpen() {
    return !this.#isEnded && !this.#isOver;
  }

  /** True: all of it is queued. False: nothing is, because there is no room or the stream is over. */
  write(part) {
    if (!this.isOpen) return false;
    const data = typeof part === 'string' ? text(part, 'a part of a body') : bytesOf(part);
    if (data === undefined) throw new TypeError('a part of a body must be a string or bytes');
    const status = addon.requestWrite(this.#low, this.#high, data);
    if (status === addon.EFULL || status === addon.ESTALE) return false;
    check(status, 'write');
    return true;
  }

  /** Resolves when there may be room again: to false once the stream is over. */
  ready() {
    if (!this.isOpen) return Promise.resolve(false);
    return this.#wait(this.#forRoom);
  }

  /** The body is whole. False: it was ended before, or the client has left. */
  end() {
    if (!this.isOpen) return false;
    this.#isEnded = true;
    const status = addon.requestEnd(this.#low, this.#high);
    if (status === addon.ESTALE) return false;
    check(status, 'end');
    return true;
  }

  /** The body cannot be finished: the connection is reset, so that the client does not take what came for the whole. */
  abort() {
    if (!this.isOpen) return false;
    this.#isEnded = true;
    const status = addon.requestAbort(this.#low, this.#high);
    if (status === addon.ESTALE) return false;
    check(status, 'abort');
    return true;
  }

  /** Resolves when the response is over: to undefined if all of it went out, else to the DogError that says why not. */
  finished() {
    return this.#isOver ? Promise.resolve(this.#error) : this.#wait(this.#forEnd);
  }

  #wait(resolvers) {
    this.#host.handlers.waiting();
    return new Promise((resolve) => {
      resolvers.push(resolve);
    });
  }

  #wake(resolvers, value) {
    for (const resolve of resolvers.splice(0)) {
      this.#host.handlers.waited();
      resolve(value);
    }
  }

  // ---- what the engine says, by the stream's token

  writable() {
    this.#wake(this.#forRoom, true);
  }

  ended(status) {
    this.#isOver = true;
    if (status !== 0) this.#error = new DogError(status, 'a streamed response');
    this.#wake(this.#forRoom, false);
    this.#wake(this.#forEnd, this.#error);
    if (this.#error === undefined) return;
    this.#controller()?.abort(this.#error);
    this.onlost?.();
  }

  gone() {
    this.ended(addon.EGONE);
  }
}

/** A part, cut so that each piece leaves room in the outbox for another. */
function* pieces(part, bytesMax) {
  const bytes = typeof part === 'string' ? Buffer.from(text(part, 'a part of a body')) : bytesOf(part);
  if (bytes === undefined) throw new TypeError('a part of a body must be a string or bytes');
  const whole = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  for (let at = 0; at < whole.length; at += bytesMax) yield whole.subarray(at, at + bytesMax);
}

/** The parts of one of the web's streams. While it is iterated, only its reader can cancel it. */
async function* read(source, stream) {
  const reader = source.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  stream.onlost = cancel;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    cancel();
  }
}

/** Writes all parts of an iterable, no faster than the client takes them, and ends the response. */
async function pump(stream, parts, pieceBytesMax) {
  // A stream of Node's or of the web that gives nothing for a while would not notice that the client has left.
  stream.onlost = () => parts.destroy?.();
  try {
    for await (const part of typeof parts.getReader === 'function' ? read(parts, stream) : parts) {
      for (const piece of pieces(part, pieceBytesMax)) {
        while (!stream.write(piece)) {
          // Returning out of the loop closes the iterable.
          if (!(await stream.ready())) return;
        }
      }
      if (!stream.isOpen) return;
    }
  } catch (error) {
    if (stream.isOpen) throw error; // else it is what came of destroying it
  }
  stream.end();
}

module.exports = { BodyStream, pump };
