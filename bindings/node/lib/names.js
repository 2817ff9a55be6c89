'use strict';
// Finds names that are probably misspelt: of an option, or of a handler that would never be called.

const plain = (name) => name.replace(/[_-]/g, '').toLowerCase();

/** Whether one edit turns one into the other: a character more, less or another, or two neighbours exchanged. */
function isOneEdit(one, other) {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  const [a, b] = [one.slice(start), other.slice(start)];
  return a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1)
    || (a.length > 1 && a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
}

/** The name of the list that `name` is another spelling of; undefined: there is none. */
function nearest(name, names, isSure = () => true) {
  const wanted = plain(name);
  return names.find((known) => plain(known) === wanted)
    ?? names.find((known) => isSure(plain(known)) && isOneEdit(wanted, plain(known)));
}

/** Throws unless all members of the object are in the list. */
function checkNames(object, names, what) {
  for (const name of Object.keys(object)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw new TypeError(`${what} has no member ${name}${near === undefined ? '' : `: did you mean ${near}?`}`);
  }
}

// ---- classes

/** One edit counts only for names that nobody writes by chance: `received` is a field like any other. */
const isSure = (known) => known.startsWith('on') || known.length >= 8;

/** For each class, the warnings that were given. */
const said = new WeakMap();

function warnOnce(Class, name, message) {
  const names = said.get(Class) ?? new Set();
  said.set(Class, names);
  if (names.has(name)) return;
  names.add(name);
  process.emitWarning(message, { type: 'DogWarning', code: 'DOG_NAME' });
}

function* chain(Class, Base) {
  for (let each = Class; typeof each === 'function' && each !== Base; each = Object.getPrototypeOf(each)) yield each;
}

function lookAt(owner, names, Class, about) {
  for (const name of Object.getOwnPropertyNames(owner)) {
    if (names.own.includes(name)) continue;
    const handler = nearest(name, names.handlers, isSure);
    const descriptor = Object.getOwnPropertyDescriptor(owner, name);
    if (handler !== undefined && handler !== name && typeof descriptor.value === 'function') {
      warnOnce(Class, name, `${about(name)} is no handler: did you mean ${handler}?`);
    }
    const option = nearest(name, names.options, isSure);
    if (option !== undefined && typeof descriptor.value !== 'function') {
      warnOnce(Class, name, `${about(name)} is no option: say it as static options = { ${option}: ... }`);
    }
  }
}

/** Warns of members of a class, and of fields of an object of it, that look like handlers or options and are none. */
function lookAtClass(Class, Base, names) {
  for (const each of chain(Class, Base)) {
    lookAt(each.prototype, { ...names, options: [] }, Class, (name) => `${each.name}.${name}`);
    lookAt(each, names, Class, (name) => `${each.name}.${name}`);
    for (const name of Object.getOwnPropertyNames(each)) {
      if (name !== 'options' && nearest(name, ['options']) !== undefined) {
        warnOnce(Class, name, `${each.name}.${name} does nothing: its name is options`);
      }
    }
  }
}

function lookAtObject(object, names) {
  lookAt(object, names, object.constructor, (name) => `${object.constructor.name}.${name}`);
}

module.exports = { checkNames, lookAtClass, lookAtObject, nearest };
