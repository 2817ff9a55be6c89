'use strict';
// The patterns of an engine's routes, to find the rest of a path behind the pattern that matched. The engine has routed
// the request by then; this is the same rule: segments are compared as they were sent, and the first pattern that
// matches is taken.

const PARAMETER = Symbol('parameter');

function segmentsOf(pattern) {
  const whole = pattern.replace(/^\//, '').replace(/\/$/, '');
  if (whole === '') return [];
  return whole.split('/').map((part) => (part.startsWith(':') ? PARAMETER : part));
}

/** Whether a segment can be a Gateway's name: decoded it is text, of 1 to 256 bytes and no control characters. */
function isName(segment) {
  try {
    const name = decodeURIComponent(segment);
    return name !== '' && Buffer.byteLength(name) <= 256 && !/[\0-\x1f\x7f]/.test(name);
  } catch {
    return false;
  }
}

/** How much of the path a pattern takes; -1: the path is not below it. */
function taken(segments, path) {
  let at = 0;
  for (const segment of segments) {
    if (path[at] !== '/') return -1;
    const slash = path.indexOf('/', at + 1);
    const end = slash < 0 ? path.length : slash;
    const part = path.slice(at + 1, end);
    if (segment === PARAMETER ? !isName(part) : part !== segment) return -1;
    at = end;
  }
  return at;
}

class Routes {
  #patterns = [];

  add(pattern) {
    this.#patterns.push(segmentsOf(pattern));
  }

  /** What is behind the first pattern that matches the path; all of it if none does. */
  rest(path) {
    for (const segments of this.#patterns) {
      const length = taken(segments, path);
      if (length >= 0) return path.slice(length);
    }
    return path;
  }
}

module.exports = { Routes };
