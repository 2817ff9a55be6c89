'use strict';
// A value as JSON: the same values are taken in every language of DOG. JSON.stringify makes null of NaN, and {} of a
// Map, a Promise or a Blob; here they are refused.

/** If JSON.stringify has lost something, its text has one of these: only then is the value checked. */
const mayHaveLost = (text) => text.includes('null') || text.includes('{}') || text.includes('{"0":');

const HINTS = {
  Promise: 'a Promise: await it first',
  Blob: 'a Blob: send its bytes, which await blob.arrayBuffer() gives',
  File: 'a File: send its bytes, which await file.arrayBuffer() gives',
  Map: 'a Map: make an object of it by Object.fromEntries(map), or an array by [...map]',
  Set: 'a Set: make an array of it by [...set]',
};

function tagOf(value) {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/** What a value is, if it has no JSON; undefined: it has. */
function whyNot(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (ArrayBuffer.isView(value)) return 'bytes: send them by themselves, as a message of their own';
  const tag = typeof value.then === 'function' ? 'Promise' : tagOf(value);
  if (tag === 'Object' || tag === 'Number' || tag === 'String' || tag === 'Boolean') return undefined;
  if (tag in HINTS) return HINTS[tag];
  // A class of the host's may have a tag of its own, and members.
  return Object.keys(value).length === 0 ? `a ${tag}: JSON has none` : undefined;
}

function refuseWhatIsLost(value, what) {
  JSON.stringify(value, (key, member) => {
    const why = whyNot(member);
    if (why === undefined) return member;
    throw new TypeError(`${what} cannot ${key === '' ? 'be' : `hold (at ${JSON.stringify(key)})`} ${why}`);
  });
}

/** The JSON of a value; `what` is how an error calls it. */
function stringify(value, what) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${what} cannot be ${typeof value}: JSON has none`);
  if (mayHaveLost(text)) refuseWhatIsLost(value, what);
  return text;
}

module.exports = { stringify };
