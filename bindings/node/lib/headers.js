'use strict';
// Headers: those of a request, to read, and those of a response, in every shape that is usual.

/** A request's headers; letter case of names aside, several of one name joined by ', '. */
class Headers {
  #values = new Map();
  /** [name, value, name, value, ...] as the client sent them. */
  raw;

  /** `host` is what the request is for, which an absolute target may say otherwise than the header. */
  constructor(raw, host) {
    this.raw = Object.freeze(raw);
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index].toLowerCase();
      const before = this.#values.get(name);
      this.#values.set(name, before === undefined ? raw[index + 1] : `${before}, ${raw[index + 1]}`);
    }
    if (typeof host === 'string') this.#values.set('host', host);
  }

  get(name) {
    return this.#values.get(String(name).toLowerCase()) ?? null;
  }

  has(name) {
    return this.#values.has(String(name).toLowerCase());
  }

  keys() {
    return this.#values.keys();
  }

  values() {
    return this.#values.values();
  }

  entries() {
    return this.#values.entries();
  }

  [Symbol.iterator]() {
    return this.#values.entries();
  }
}

function add(flat, name, value) {
  if (Array.isArray(value)) {
    for (const one of value) flat.push(String(name), String(one));
  } else if (value !== undefined) {
    flat.push(String(name), String(value));
  }
}

/** [name, value, ...] of an object, a Map, a Headers of any make, or an array of pairs. */
function flatten(headers) {
  const flat = [];
  if (headers === undefined || headers === null) return flat;
  if (typeof headers !== 'object') throw new TypeError('headers must be an object or pairs of names and values');
  if (typeof headers[Symbol.iterator] === 'function') {
    for (const [name, value] of headers) add(flat, name, value);
  } else {
    for (const name of Object.keys(headers)) add(flat, name, headers[name]);
  }
  return flat;
}

function hasName(flat, name) {
  for (let index = 0; index < flat.length; index += 2) {
    if (flat[index].toLowerCase() === name) return true;
  }
  return false;
}

module.exports = { Headers, flatten, hasName };
